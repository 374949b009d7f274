"""What does a day at the hub look like? Starts a whole hub, runs a program of every format on every vendor, shows all.

``make demo``, or ``python seeds/demo.py [--data DIR] [--plot DIR] [--no-sandbox] [--shots N]``.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from qsubmit import Client
from qsubmit.errors import QsubmitError

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
BOLD, DIM, GREEN, RED, PLAIN = ("\x1b[1m", "\x1b[2m", "\x1b[32m", "\x1b[31m", "\x1b[0m")
TIMEOUT_S = 180.0
SHOWN = 4


class Visit(NamedTuple):
    """One program, for whom, and where it should go (None: the broker chooses)."""

    title: str
    file: str
    hub: str = "daejeon"
    device: str | None = None
    prefer: str = "balanced"
    points: str | None = None


LOCAL = (
    Visit("Bell pair", "bell.qasm"),
    Visit("Bell pair, OpenQASM 3", "bell3.qasm"),
    Visit("GHZ state of 20 qubits", "ghz20.qasm"),
    Visit("Clifford circuit of 50 qubits", "clifford50.qasm"),
    Visit("Quantum Fourier transform of 8 qubits", "qft8.qasm"),
    Visit("Sweep of a rotation, one job", "sweep3.qasm", points="sweep3.points.json"),
    Visit("Rabi pulse (Pulser)", "rabi.pulser.json", device="local/pulser"),
    Visit("Hong-Ou-Mandel (Perceval)", "hom.perceval.json", hub="seoul", device="local/perceval"),
    Visit("Rydberg blockade (AHS)", "rydberg.ahs.json", device="local/ahs"),
)
VENDORS = (
    Visit("Bell pair on Braket's simulator", "bell.qasm", device="braket/sv1"),
    Visit("Bell pair on an ion trap", "bell.qasm", device="braket/ionq-forte-1"),
    Visit("Bell pair on a superconducting QPU", "bell.qasm", device="braket/iqm-garnet"),
    Visit("Rydberg blockade on neutral atoms (AHS)", "rydberg.ahs.json", device="braket/quera-aquila"),
    Visit("Rabi pulse on Pasqal's emulator", "rabi.pulser.json", device="pasqal/emu-free"),
    Visit("Hong-Ou-Mandel on Quandela", "hom.perceval.json", hub="seoul", device="quandela/sim-slos"),
    Visit("Bell pair, where it is cheapest", "bell.qasm", prefer="cheapest"),
)


def main() -> int:
    """0 if every program succeeded."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="qsubmit-demo-") as scratch:
        data = options.data or Path(scratch) / "hub"
        visits = LOCAL if options.no_sandbox else (*LOCAL, *VENDORS)
        failures = 0
        for url in _hub(data, sandbox=not options.no_sandbox):
            clients = {hub: Client(url=url, api_key=(data / "keys" / hub).read_text()) for hub in ("daejeon", "seoul")}
            _devices(clients["daejeon"])
            sent = [(visit, _submit(clients[visit.hub], visit, options.shots)) for visit in visits]
            failures = sum(not _show(clients[visit.hub], visit, job, options.plot) for visit, job in sent)
        _say(f"\n{len(visits) - failures} of {len(visits)} programs succeeded")
    return 1 if failures else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Run a program of every format on every vendor's sandbox.")
    parser.add_argument("--data", type=Path, help="keep the hub's data here (default: a temporary directory)")
    parser.add_argument("--plot", type=Path, help="write a picture of every histogram into this directory")
    parser.add_argument("--shots", type=int, default=1000)
    parser.add_argument("--no-sandbox", action="store_true", help="local devices only")
    return parser.parse_args()


def _hub(data: Path, *, sandbox: bool) -> Iterator[str]:
    """The URL of a hub that runs while the caller looks at it."""
    data.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "workers.up", "--data", str(data), "--port", str(_free_port())]
    log = data / "demo.log"
    _say(f"{DIM}starting a hub in {data} …{PLAIN}")
    with log.open("w") as errors:
        process = subprocess.Popen(
            command if sandbox else [*command, "--no-sandbox"],
            cwd=HERE.parent,
            env=os.environ | {"QSUBMIT_LOG_LEVEL": "WARNING"},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        line = process.stdout.readline() if process.stdout else ""
        if not line.startswith("ready "):
            raise SystemExit(f"the hub did not start:\n{log.read_text()[-2000:]}")
        _say(f"{DIM}{line.strip()}{PLAIN}\n")
        yield line.split()[1]
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _devices(client: Client) -> None:
    devices = client.devices()
    sandboxes = sum(device["sandbox"] for device in devices)
    _say(f"{len(devices)} devices, {sandboxes} of them served by sandboxes of the vendors on this machine")


def _submit(client: Client, visit: Visit, shots: int) -> str | QsubmitError:
    source = (HERE / "programs" / visit.file).read_text()
    points = json.loads((HERE / "programs" / visit.points).read_text()) if visit.points else ()
    try:
        job = client.submit(
            source, shots=shots, device=visit.device, prefer=visit.prefer, points=points, seed=7, name=visit.title
        )
    except QsubmitError as error:
        return error
    return job["id"]


def _show(client: Client, visit: Visit, job: str | QsubmitError, plot: Path | None) -> bool:
    _say(f"\n{BOLD}{visit.title}{PLAIN} {DIM}{visit.file}{PLAIN}")
    if isinstance(job, QsubmitError):
        _row("refused", f"{RED}{job}{PLAIN}")
        return False
    view: Any = client.wait(job, timeout=TIMEOUT_S)
    good = view["state"] == "succeeded"
    _row("device", view["device"] + (" [sandbox]" if view["sandbox"] else ""))
    _row("why", client.decision(job)["why"])
    _row("state", f"{GREEN if good else RED}{view['state']}{PLAIN}" + ("" if good else f"  {view['error']}"))
    if view["attempt"]:
        _row("vendor task", str(view["attempt"]["remote_id"]))
    cost = view["cost"]
    _row("cost", f"quoted {cost['quoted']} {cost['currency']}, charged {cost['charged']} {cost['currency']}")
    _row("latency", _latency(view["latency"]))
    if good:
        _counts(client.result(job))
        if plot is not None:
            _plot(client, job, plot)
    return good


def _latency(split: dict[str, float | None]) -> str:
    names = (
        ("broker_queue_s", "queued here"),
        ("vendor_queue_s", "at the vendor"),
        ("run_s", "running"),
        ("fetch_s", "fetching"),
        ("total_s", "in all"),
    )
    return ", ".join(f"{split[key] or 0:.3f} s {name}" for key, name in names)


def _counts(result: Any) -> None:  # noqa: ANN401  a JSON document
    for point in result["points"]:
        top = sorted(point["counts"].items(), key=lambda pair: -pair[1])
        shown = "  ".join(f"{key}: {count}" for key, count in top[:SHOWN])
        more = f"  … {len(top) - SHOWN} more" if len(top) > SHOWN else ""
        bound = "".join(f" {name}={value:.3g}" for name, value in point["bindings"].items())
        _row("counts" + bound, shown + more)
    _row("engine", str(result["engine"]))


def _plot(client: Client, job: str, directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    view: Any = client.status(job)
    slug = f"{view['device'].replace('/', '-')}-{job[-8:]}.png"
    command = [sys.executable, "-m", "qsubmit", "result", job, "--plot", str(directory / slug)]
    environ = os.environ | {"QSUBMIT_URL": client.url, "QSUBMIT_API_KEY": client.settings.api_key or ""}
    subprocess.run(command, env=environ, check=True, stdout=subprocess.DEVNULL)
    _row("plot", str(directory / slug))


def _row(name: str, text: str) -> None:
    lines = textwrap.wrap(text, 96, break_long_words=False) or [""]
    _say(f"  {name:<12} {lines[0]}")
    for line in lines[1:]:
        _say(f"  {'':<12} {line}")


def _say(line: str) -> None:
    if not sys.stdout.isatty():
        for code in (BOLD, DIM, GREEN, RED, PLAIN):
            line = line.replace(code, "")
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
