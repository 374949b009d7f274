"""Does the gateway stay up, and how long does its last member wait? `make load`; see --help for other checkouts."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

HERE = Path(__file__).parents[2]
sys.path.insert(0, str(HERE))

from tests.load.crowd import play  # noqa: E402  the path is set just above
from tests.support.gateway import PEPPER  # noqa: E402
from tests.support.hub import FAST, free_port  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

CONNECTION = "broker/api/connection.py"
READY_S = 60.0


def main() -> int:
    """0 if every bound held, 1 if one broke."""
    options = parser().parse_args()
    reports = [one(name, options) for name in (("sqlite", "postgres") if options.on == "both" else (options.on,))]
    if options.json is not None:
        options.json.write_text(json.dumps(reports, indent=1) + "\n")
    return 1 if any(report["broken"] for report in reports) else 0


def parser() -> argparse.ArgumentParser:
    """The options."""
    p = argparse.ArgumentParser(description="200 members, 50 streams, floods, slow readers and half-open connections.")
    p.add_argument("--on", choices=("sqlite", "postgres", "both"), default="both")
    p.add_argument("--checkout", type=Path, default=HERE, help="measure the code there, with its own .venv")
    p.add_argument("--seconds", type=float, default=60.0)
    p.add_argument("--jobs", type=int, default=100_000, help="jobs that ended before")
    p.add_argument("--megabytes", type=int, default=120, help="size of the large result")
    p.add_argument("--half-open", type=int, default=5000)
    p.add_argument("--json", type=Path, default=None, help="write the figures there too")
    p.add_argument("--p99", type=float, default=2.0, help="bound: seconds of a submit")
    p.add_argument("--heavy", type=float, default=0.1, help="bound: p99 seconds of a submit beside 30 heavy quotes")
    p.add_argument("--longest", type=float, default=15.0, help="bound: seconds that any member waits for a submit")
    p.add_argument("--growth", type=float, default=400.0, help="bound: MiB of memory, children included")
    return p


def one(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """The load on one kind of database."""
    with tempfile.TemporaryDirectory(prefix="qsubmit-load-") as scratch, database(name, Path(scratch)) as url:
        scene = furnished(url, Path(scratch), options)
        with gateway(url, Path(scratch), options.checkout) as (process, port):
            report = {"database": name, "checkout": options.checkout.name, **play(process.pid, port, scene, options)}
            report["alive"] = process.poll() is None
    report["broken"] = broken(report, options)
    tell(report)
    return report


@contextlib.contextmanager
def database(name: str, scratch: Path) -> Iterator[str]:
    """An empty one."""
    if name == "sqlite":
        yield f"sqlite:///{scratch / 'qsubmit.db'}"
        return
    from workers import servers

    server, url = servers.postgres(scratch)
    try:
        yield url
    finally:
        server.end()


def furnished(url: str, scratch: Path, options: argparse.Namespace) -> dict[str, Any]:
    """The scene, made by the code that is measured: its tables may differ from ours."""
    script, size = HERE / "tests/load/furnish.py", options.megabytes << 20
    done = subprocess.run(
        [python(options.checkout), "-W", "ignore", script, url, scratch / "seeds", str(options.jobs), str(size)],
        env=os.environ | {"PYTHONPATH": str(options.checkout)}, cwd=options.checkout, check=True,
        stdout=subprocess.PIPE,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def python(checkout: Path) -> Path:
    """The interpreter of a checkout."""
    return checkout / ".venv/bin/python"


@contextlib.contextmanager
def gateway(url: str, scratch: Path, checkout: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """One gateway process, with the options that `qsubmit up` of that checkout gives it."""
    port = free_port()
    command = [python(checkout), "-m", "uvicorn", "--factory", "broker.bootstrap:gateway", "--port", str(port)]
    command += ["--no-access-log", "--log-level", "warning", "--backlog", "4096", "--timeout-graceful-shutdown", "5"]
    if (checkout / CONNECTION).exists():
        command += ["--http", "broker.api.connection:Connection"]
    known = {"QSUBMIT_DATABASE_URL": url, "QSUBMIT_DATA": str(scratch), "QSUBMIT_PEPPER": PEPPER}
    rates = {"QSUBMIT_RATE_PER_S": "200", "QSUBMIT_RATE_BURST": "2000"}
    with (scratch / "gateway.log").open("wb") as log:
        process = subprocess.Popen(command, env=os.environ | FAST | known | rates, cwd=checkout, stdout=log, stderr=log)
    try:
        await_health(port)
        yield process, port
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=20)
        process.kill()
        process.wait()


def await_health(port: int) -> None:
    """Until it answers."""
    deadline = time.monotonic() + READY_S
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


def broken(report: dict[str, Any], options: argparse.Namespace) -> list[str]:
    """The bounds that did not hold."""
    growth = report["memory"]["peak"] - report["memory"]["start"]
    bounds = {
        "alive": report["alive"],
        "submits were accepted": report["submit"]["accepted"] > 0,
        "every member was served": report["submit"]["unserved"] == 0,
        f"p99 <= {options.p99:g} s": report["submit"]["p99"] <= options.p99,
        f"p99 beside heavy quotes <= {options.heavy:g} s": report["beside_heavy"]["p99"] <= options.heavy,
        f"longest <= {options.longest:g} s": report["submit"]["longest"] <= options.longest,
        f"memory grows <= {options.growth:g} MiB": growth <= options.growth,
        "no 500": not any(code.endswith(" 500") for code in report["codes"]),
    }
    return [name for name, held in bounds.items() if not held]


def tell(report: dict[str, Any]) -> None:
    """A table."""
    submit, memory, heavy = report["submit"], report["memory"], report["beside_heavy"]
    lines = [
        f"{report['checkout']} on {report['database']}",
        f"  submits accepted {submit['accepted']}, members without one {submit['unserved']}",
        f"  submit: median {submit['median']:.3f} s, p99 {submit['p99']:.3f} s, longest {submit['longest']:.3f} s",
        f"  longest wait per member: median {submit['member_median']:.3f} s, worst {submit['longest']:.3f} s",
        f"  beside 30 heavy quotes: median {heavy['median']:.3f} s, p99 {heavy['p99']:.3f} s",
        f"  memory (PSS): start {memory['start']:.0f}, peak {memory['peak']:.0f}, end {memory['end']:.0f} MiB",
        f"  moves heard by each stream: {report['streams']}",
        f"  bytes of the large result read: {report['read'] >> 20} MiB",
        f"  answers: {report['codes']}",
        f"  broken bounds: {', '.join(report['broken']) or 'none'}",
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
