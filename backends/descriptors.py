"""Which descriptors does a process have, and which may a child keep? None by which it meets its siblings."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from pathlib import Path


def open_now() -> set[int]:
    """Their numbers, without the one that listing them took."""
    listed = {int(entry.name) for entry in Path("/proc/self/fd").iterdir()}
    found = set()
    for number in listed:
        with contextlib.suppress(OSError):
            os.fstat(number)
            found.add(number)
    return found


def close_all_but(kept: set[int]) -> None:
    """What the libraries opened before any program came may stay, ours too: nothing of another child's."""
    for number in open_now() - kept:
        with contextlib.suppress(OSError):
            os.close(number)


def silence(kept: set[int]) -> None:
    """A log that a library opened is one file for all siblings: each could tell others things by it, or fill it."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in kept:
        writes = fcntl.fcntl(number, fcntl.F_GETFL) & os.O_ACCMODE != os.O_RDONLY
        if writes and stat.S_ISREG(os.fstat(number).st_mode):
            os.dup2(nothing, number)
    os.close(nothing)
