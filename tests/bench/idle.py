"""What does a hub use that nobody uses? Memory by its proportional share, and processor time, of all its processes."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

from tests.support import hub as support

if TYPE_CHECKING:
    from collections.abc import Iterator

SETTLE_S, COUNTED_S = 60.0, 60.0
MOST_MIB, MOST_CPU_S = 300.0, 0.3  # the latter per minute
TICKS = os.sysconf("SC_CLK_TCK")
Row = tuple[str, float, float, float, str]


def idle(scratch: Path) -> Iterator[Row]:
    """A hub with sandboxes and the settings that it has by itself, some time after it was asked anything."""
    with mock.patch.dict(support.FAST, clear=True), support.running(scratch / "hub") as hub:
        assert hub.process is not None
        root = hub.process.pid
        time.sleep(SETTLE_S)
        before, began = sum(map(_cpu_s, _tree(root))), time.monotonic()
        time.sleep(COUNTED_S)
        spent = sum(map(_cpu_s, _tree(root))) - before
        minute = spent * 60 / (time.monotonic() - began)
        memory = sum(map(_pss_mib, _tree(root)))
    yield ("MiB of an idle hub (proportional share)", MOST_MIB, memory, MOST_MIB / memory, ">= 1")
    yield ("processor seconds a minute of an idle hub", MOST_CPU_S, minute, MOST_CPU_S / minute, ">= 1")


def _tree(root: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            children.setdefault(int(_stat(int(entry.name))[1]), []).append(int(entry.name))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def _stat(pid: int) -> list[str]:
    """The fields behind the name; of a process that has just ended, zeros."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ["0"] * 20


def _cpu_s(pid: int) -> float:
    return (int(_stat(pid)[11]) + int(_stat(pid)[12])) / TICKS


def _pss_mib(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
