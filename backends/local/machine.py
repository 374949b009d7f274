"""What may simulations use of this machine? Cores and memory, as the container's limits leave them."""

from __future__ import annotations

import os
from pathlib import Path

_SHARE = 0.8
_CGROUP = Path("/sys/fs/cgroup")


def cores() -> int:
    """Those that we may run on."""
    return len(os.sched_getaffinity(0))


def free_memory_bytes() -> int:
    """Four fifths of what is available now: the rest is for the warm children and everybody else."""
    return int(min(_available(), _left_in_container()) * _SHARE)


def _available() -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2


def _left_in_container() -> float:
    try:
        most = (_CGROUP / "memory.max").read_text().strip()
        used = int((_CGROUP / "memory.current").read_text())
    except (OSError, ValueError):
        return float("inf")
    return float("inf") if most == "max" else max(0, int(most) - used)
