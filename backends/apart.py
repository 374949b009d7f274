"""How is a child set apart from all other processes? By namespaces and a user of its own, as far as the kernel goes."""

from __future__ import annotations

import ctypes
import os
import platform
import re
import signal
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

NEW_USER, NEW_PID, NEW_NET, NEW_IPC = 0x10000000, 0x20000000, 0x40000000, 0x08000000
# In this order. A user namespace makes root's children bounded by their parent, who may lack CAP_SYS_RESOURCE.
SPACES: Final = (
    NEW_USER | NEW_PID | NEW_IPC | NEW_NET,
    NEW_USER | NEW_PID,
    NEW_PID | NEW_IPC | NEW_NET,
    NEW_PID,
    NEW_USER,
)
CAPSET: Final = {"x86_64": 126, "aarch64": 91}
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_KEEPCAPS = 1, 4, 8
DAC_READ_SEARCH, SYS_RESOURCE = 1 << 2, 1 << 24
# Users of children: one for each process number, above what systems give to people, services and containers. Where a
# container knows no numbers so high, the top of the range that it knows.
USERS_FROM, MOST_PROCESSES = 0x70000000, 1 << 22
SMALL_USERS_FROM, SMALL_USERS = 61184, 4096
# Ends a process that is the first of its namespace too, where SIGXCPU's own effect is ignored by the kernel.
CPU_EXIT: Final = int(signal.SIGXCPU)


def enter_spaces() -> int:
    """The *next* forked process is in the namespaces whose flags these are."""
    libc = ctypes.CDLL(None, use_errno=True)
    return next((flags for flags in SPACES if libc.unshare(flags) == 0), 0)


def lacking(spaces: int) -> list[str]:
    """The walls that these namespaces do not give."""
    return [name for name, flag in (("processes", NEW_PID), ("network", NEW_NET)) if not spaces & flag]


def map_users(process: int, user: int) -> bool:
    """Let a process's new user namespace know root, whose libraries it reads, and the user that it is to become."""
    try:
        for kind in ("uid", "gid"):
            Path(f"/proc/{process}/{kind}_map").write_text(f"0 0 1\n{user} {user} 1\n")
    except OSError:
        return False
    return True


def can_give_users() -> bool:
    """Root may; but to bound another user's process it needs one more power, if not through a user namespace."""
    powers = re.search(r"^CapEff:\s*([0-9a-f]+)$", Path("/proc/self/status").read_text(), re.MULTILINE)
    return os.geteuid() == 0 and powers is not None and bool(int(powers[1], 16) & SYS_RESOURCE)


def take_user(user: int, home: Path, reads: Iterable[str], *, confined: bool) -> tuple[list[str], int]:
    """From root to ``user``. The walls that are lacking, and the powers to be kept.

    Libraries may lie where only root can go. Landlock holds root's search to what is listed; without it nobody may
    have that power, and root stays root without any.
    """
    everybody = all(map(open_to_all, (str(home.parent), *reads)))
    if not (everybody or confined):
        return ["user"], 0
    try:
        ctypes.CDLL(None).prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
        os.chown(home, user, user)
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    except PermissionError:
        os.chown(home, os.geteuid(), os.getegid())
        return ["user"], 0
    return [], 0 if everybody else DAC_READ_SEARCH


def user_of(number: int, uid_map: str) -> int | None:
    """A user whom no other live process has, if ``number`` is a process's; None where none such is known here.

    ``uid_map`` lists first inside, first outside, and how many.
    """
    ranges = [(int(first), int(count)) for first, _, count in map(str.split, uid_map.splitlines())]
    for user in (USERS_FROM + number % MOST_PROCESSES, SMALL_USERS_FROM + number % SMALL_USERS):
        if any(first <= user < first + count for first, count in ranges):
            return user
    return None


def open_to_all(path: str) -> bool:
    """Whether any user may go there; what is not there hinders nobody."""
    place = Path(path).resolve()
    if not place.exists():
        return True
    folders = [*place.parents, *([place] if place.is_dir() else [])]
    return all(folder.stat().st_mode & 0o001 for folder in folders)


def drop_powers(keep: int) -> None:
    """No other capability is left, none can be had again, and no memory of it is another's to read."""
    libc = ctypes.CDLL(None, use_errno=True)
    sets = struct.pack("=6I", keep, keep, 0, 0, 0, 0)
    libc.syscall(CAPSET[platform.machine()], struct.pack("=Ii", 0x20080522, 0), sets)
    libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def die_with_parent() -> None:
    """End when the thread that forked us ends. After every change of user: each takes this wish back."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def die_of_cpu_limit() -> None:
    """By C's own ``_exit`` as the handler, which gets the signal's number as its argument."""
    libc = ctypes.CDLL(None)
    libc.signal.argtypes = [ctypes.c_int, ctypes.c_void_p]
    libc.signal.restype = ctypes.c_void_p
    libc.signal(CPU_EXIT, ctypes.cast(libc._exit, ctypes.c_void_p))  # noqa: SLF001  C's name
