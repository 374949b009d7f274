"""How does a test get a real Prometheus? Debian's, on our own configuration with the addresses of the test."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.support.hub import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

DEPLOY = Path(__file__).parents[2] / "deploy"
READY_S = 60.0


def program(name: str) -> str:
    """The path of ``prometheus`` or ``promtool``; in CI its absence is a failure, elsewhere a skip."""
    found = shutil.which(name)
    if found:
        return found
    said = f"{name} is not installed; as root, .ci/system-packages installs it"
    if os.environ.get("CI"):
        pytest.fail(said)
    pytest.skip(said)


@dataclass(frozen=True, kw_only=True, slots=True)
class Prometheus:
    """A running server."""

    url: str

    def ask(self, path: str, **parameters: str) -> Any:
        """The ``data`` of an answer of its API."""
        asked = urllib.parse.urlencode(parameters).encode()
        with urllib.request.urlopen(f"{self.url}/api/v1/{path}", asked or None, timeout=30) as answer:
            return json.load(answer)["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The series of an instant query."""
        return self.ask("query", query=expression)["result"]


def configuration(target: str, token: Path, interval_s: int = 1) -> dict[str, Any]:
    """Our own file with this test's gateway, token and patience."""
    config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    config["global"] = dict.fromkeys(config["global"], f"{interval_s}s")
    config["rule_files"] = [str(DEPLOY / "prometheus" / "alerts.yml")]
    gateway, itself = config["scrape_configs"]
    del gateway["dns_sd_configs"], config["scrape_configs"][1:]
    assert itself["job_name"] == "prometheus"
    gateway["static_configs"] = [{"targets": [target]}]
    gateway["authorization"]["credentials_file"] = str(token)
    return config


@contextlib.contextmanager
def scraping(folder: Path, target: str, token: Path) -> Iterator[Prometheus]:
    """A server that scrapes ``target`` every second."""
    file, port = folder / "prometheus.yml", free_port()
    file.write_text(yaml.safe_dump(configuration(target, token)))
    command = [
        program("prometheus"), f"--config.file={file}", f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}", "--log.level=error",
    ]  # fmt: skip
    with (folder / "prometheus.log").open("w") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            _await(f"http://127.0.0.1:{port}", process)
            yield Prometheus(url=f"http://127.0.0.1:{port}")
        finally:
            process.terminate()


def _await(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/-/ready", timeout=1):
            return
        time.sleep(0.1)
    raise AssertionError(f"Prometheus is not ready: {process.poll()}")
