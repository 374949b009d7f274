"""Which files may a child reach? Landlock opens the libraries for reading and its own folder for writing."""

from __future__ import annotations

import ctypes
import os
import stat
import struct
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

PR_SET_NO_NEW_PRIVS = 38
LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT = 444, 445, 446
SCOPE_ABSTRACT_UNIX_AND_SIGNALS = 3
SCOPES_SINCE, REFER_SINCE, TRUNCATE_SINCE = 6, 2, 3

# Landlock access bits; EXECUTE stays open for imports that ask ldconfig, seccomp closes it afterwards.
READ_FILE, READ_DIR = 1 << 2, 1 << 3
WRITE_FILE, TRUNCATE = 1 << 1, 1 << 14
CHANGE_FOLDERS = sum(1 << bit for bit in range(4, 13))
REFER = 1 << 13

READABLE = (
    *("/usr", "/lib", "/lib64", "/bin", "/sbin", "/etc/ld.so.cache", "/etc/localtime", "/etc/os-release"),
    *("/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/sys/devices/system", "/sys/fs/cgroup"),
    *("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"),
)


def close_files(*, package: str, writable: Iterable[Path], readable: Iterable[Path] = ()) -> list[str]:
    """Read only libraries and our own code, write only there. Returns the walls that are lacking."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    version = libc.syscall(LANDLOCK_CREATE, None, 0, 1)
    if version < 1:
        return ["files", "scopes"]
    write = WRITE_FILE | CHANGE_FOLDERS | (TRUNCATE if version >= TRUNCATE_SINCE else 0)
    write |= REFER if version >= REFER_SINCE else 0
    read = READ_FILE | READ_DIR
    scopes = SCOPE_ABSTRACT_UNIX_AND_SIGNALS if version >= SCOPES_SINCE else 0
    attributes = struct.pack("=QQQ", read | write, 0, scopes)[: 24 if scopes else 8]
    ruleset = libc.syscall(LANDLOCK_CREATE, attributes, len(attributes), 0)
    for folder in writable:
        _allow(libc, ruleset, str(folder), read | write)
    _allow(libc, ruleset, "/dev/null", READ_FILE | WRITE_FILE)
    for path, access in readable_paths(package).items() | {(str(folder), read) for folder in readable}:
        _allow(libc, ruleset, path, access)
    failed: int = libc.syscall(LANDLOCK_RESTRICT, ruleset, 0)
    os.close(ruleset)
    if failed:
        return ["files", "scopes"]
    return [] if scopes and version >= TRUNCATE_SINCE else ["scopes"]


def readable_paths(package: str) -> dict[str, int]:
    """Where imports come from. Of a checkout on the path, only our packages: its other files may be secrets."""
    read = READ_FILE | READ_DIR
    roots = {str(Path(root).resolve()) for root in (sys.prefix, sys.base_prefix)}
    rules = dict.fromkeys((*READABLE, *roots, *os.environ.get("LD_LIBRARY_PATH", "").split(":")), read)
    for entry in filter(None, sys.path):
        inside = any(Path(entry).resolve().is_relative_to(root) for root in roots)
        rules[entry] = read if inside or entry.endswith("-packages") else READ_DIR
        rules |= {str(Path(entry) / name): read for name in {"backends", "broker", package}}
    return rules


def _allow(libc: ctypes.CDLL, ruleset: int, path: str, access: int) -> None:
    if not path:
        return
    try:
        where = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # not there, or nothing that we could read
    if not stat.S_ISDIR(os.fstat(where).st_mode):
        access &= READ_FILE | WRITE_FILE | TRUNCATE
    libc.syscall(LANDLOCK_ADD, ruleset, 1, struct.pack("=Qi", access, where), 0)
    os.close(where)
