"""How many jobs per second? Admission against a bare endpoint, and whole jobs against Celery's empty tasks."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from statistics import median
from typing import TYPE_CHECKING

import redis as redis_client

from tests.bench import stage
from tests.bench.load import post

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.hub import Hub

CONNECTIONS = 64
Row = tuple[str, float, float, float, str]


def program(number: int) -> str:
    """Small programs of which no two neighbours are equal: 64 different ones, 2 to 5 qubits."""
    qubits = 2 + number % 4
    lines = ["OPENQASM 2.0;", 'include "qelib1.inc";', f"qreg q[{qubits}];", f"creg c[{qubits}];", "h q[0];"]
    lines += [f"cx q[{place}],q[{place + 1}];" for place in range(qubits - 1)]
    lines += [f"rz(0.{number % 16 + 1}) q[0];", "measure q->c;"]
    return "\n".join(lines)


def bodies(count: int) -> list[bytes]:
    """Job requests."""
    made = [
        json.dumps({"program": {"format": "openqasm2", "source": program(n)}, "shots": 100, "name": f"bench {n}"})
        for n in range(64)
    ]
    return [made[number % 64].encode() for number in range(count)]


def fired(port: int, requests: list[bytes]) -> float:
    """Seconds of the load, sent by a process of its own; every request must have been accepted."""
    feed = b"".join(len(request).to_bytes(4, "big") + request for request in requests)
    command = [sys.executable, "-m", "tests.bench.load", "127.0.0.1", str(port), str(CONNECTIONS)]
    done = subprocess.run(command, input=feed, capture_output=True, check=True)
    good, seconds = done.stdout.split()
    if int(good) != len(requests):
        raise SystemExit(f"{len(requests) - int(good)} of {len(requests)} requests were refused")
    return float(seconds)


def admission(scratch: Path, *, count: int, rounds: int) -> Row:
    """Accepted submissions per second, ours and the bare endpoint's in turn, medians of both."""
    ours, bare = [], []
    with stage.redis(scratch / "bare") as broker, stage.bare_endpoint(broker) as port:
        flat = [post("/jobs", body, {}) for body in bodies(count)]
        # Only the gateway: the bare endpoint has no worker that competes for the processor either.
        with stage.hub(scratch / "hub") as hub:
            _pause_workers(hub)
            full = [post("/v1/jobs", body, {"Authorization": f"Bearer {hub.key()}"}) for body in bodies(count)]
            fired(port, flat[: count // 4])
            fired(hub.port, full[: count // 4])
            for _ in range(rounds):
                bare.append(count / fired(port, flat))
                ours.append(count / fired(hub.port, full))
            _continue_workers(hub)
    ratio = median(o / b for o, b in zip(ours, bare, strict=True))
    return ("accepted submissions/s, gateway vs bare endpoint", median(bare), median(ours), ratio, ">= 2")


def _pause_workers(hub: Hub) -> None:
    for name in ("workers.scan", "workers.listen"):
        for pid in hub.pids(name):
            os.kill(pid, 19)


def _continue_workers(hub: Hub) -> None:
    for name in ("workers.scan", "workers.listen"):
        for pid in hub.pids(name):
            os.kill(pid, 18)


def whole_jobs(scratch: Path, *, count: int, rounds: int) -> Row:
    """Jobs per second from the first request to the last result, against Celery's empty tasks."""
    ours, bare = [], []
    with stage.redis(scratch / "bare") as broker, stage.hub(scratch / "hub") as hub:
        command = (sys.executable, "-m", "celery", "-A", "tests.bench.baseline:queue", "worker", "-c", "2")
        with stage.process(*command, "-l", "ERROR", BARE_BROKER_URL=broker):
            _empty_tasks(broker, 200)
            _jobs(hub, 200)
            for _ in range(rounds):
                bare.append(count / _empty_tasks(broker, count))
                ours.append(count / _jobs(hub, count))
    ratio = median(o / b for o, b in zip(ours, bare, strict=True))
    return ("whole small jobs/s vs Celery's empty tasks/s", median(bare), median(ours), ratio, ">= 1")


def _empty_tasks(broker: str, count: int) -> float:
    os.environ["BARE_BROKER_URL"] = broker
    from tests.bench.baseline import nothing

    client = redis_client.Redis(unix_socket_path=broker.removeprefix("redis+socket://"))
    began = time.perf_counter()
    for _ in range(count):
        nothing.delay({})
    while client.llen("celery") or client.hlen("unacked"):
        time.sleep(0.005)
    return time.perf_counter() - began


def _jobs(hub: Hub, count: int) -> float:
    requests = [post("/v1/jobs", body, {"Authorization": f"Bearer {hub.key()}"}) for body in bodies(count)]
    before = _ended(hub)
    began = time.perf_counter()
    fired(hub.port, requests)
    while _ended(hub) < before + count:
        time.sleep(0.02)
    return time.perf_counter() - began


def _ended(hub: Hub) -> int:
    connection = sqlite3.connect(hub.data / "qsubmit.db", timeout=60)
    try:
        return int(connection.execute("SELECT count(*) FROM results").fetchone()[0])
    finally:
        connection.close()
