"""Which doors of the machine does a child close behind itself? Files by Landlock, system calls by seccomp."""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys
from pathlib import Path

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

AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
SECCOMP = {"x86_64": 317, "aarch64": 277}
CAPSET = {"x86_64": 126, "aarch64": 91}
TSYNC = 1
CLONE_THREAD = 0x10000
X32 = 0x40000000
ALLOW, KILL, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
DENY = ERRNO | errno.EPERM

# name: (x86_64, aarch64). No network, no new processes, no looking into others, no way around this filter.
DENIED = {
    "socket": (41, 198),
    "connect": (42, 203),
    "accept": (43, 202),
    "accept4": (288, 242),
    "bind": (49, 200),
    "listen": (50, 201),
    "fork": (57, None),
    "vfork": (58, None),
    "execve": (59, 221),
    "execveat": (322, 281),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "bpf": (321, 280),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "perf_event_open": (298, 241),
    "setsid": (112, 157),
    "setpgid": (109, 154),
}
CLONE, CLONE3 = (56, 220), (435, 435)
SIGNAL_CALLS = ((62, 129), (200, 130), (234, 131))  # kill, tkill, tgkill: to itself only (abort needs it)


def files(home: Path, *, package: str) -> list[str]:
    """Read only libraries and our own code, write only ``home`` and the shared caches. Returns what is lacking."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    version = libc.syscall(LANDLOCK_CREATE, None, 0, 1)
    if version < 1:
        return ["file confinement (Landlock is not available)"]
    write = WRITE_FILE | CHANGE_FOLDERS | (TRUNCATE if version >= TRUNCATE_SINCE else 0)
    write |= REFER if version >= REFER_SINCE else 0
    read = READ_FILE | READ_DIR
    scopes = SCOPE_ABSTRACT_UNIX_AND_SIGNALS if version >= SCOPES_SINCE else 0
    attributes = struct.pack("=QQQ", read | write, 0, scopes)[: 24 if scopes else 8]
    ruleset = libc.syscall(LANDLOCK_CREATE, attributes, len(attributes), 0)
    writable = (str(home), os.environ["NUMBA_CACHE_DIR"], os.environ["MPLCONFIGDIR"])
    for path in writable:
        _allow(libc, ruleset, path, read | write)
    _allow(libc, ruleset, "/dev/null", READ_FILE | WRITE_FILE)
    for path, access in _readable(package).items():
        _allow(libc, ruleset, path, access)
    failed: int = libc.syscall(LANDLOCK_RESTRICT, ruleset, 0)
    os.close(ruleset)
    return [f"file confinement (Landlock: {os.strerror(ctypes.get_errno())})"] if failed else []


def calls() -> list[str]:
    """Drop root's powers and refuse the system calls of ``DENIED`` in every thread. Returns what is lacking."""
    machine = platform.machine()
    if machine not in AUDIT_ARCH or sys.platform != "linux":
        return [f"system call filter (no table for {machine})"]
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall(CAPSET[machine], struct.pack("=Ii", 0x20080522, 0), struct.pack("=6I", *[0] * 6))
    program = b"".join(_filter(machine))
    code = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("@HxxxxxxP", len(program) // 8, ctypes.addressof(code))
    if libc.syscall(SECCOMP[machine], 1, TSYNC, header) == 0:
        return []
    return [f"system call filter (seccomp: {os.strerror(ctypes.get_errno())})"]


def _readable(package: str) -> dict[str, int]:
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
    if not path or not Path(path).exists():
        return
    if not Path(path).is_dir():
        access &= READ_FILE | WRITE_FILE | TRUNCATE
    where = os.open(path, os.O_PATH | os.O_CLOEXEC)
    libc.syscall(LANDLOCK_ADD, ruleset, 1, struct.pack("=Qi", access, where), 0)
    os.close(where)


def _filter(machine: str) -> list[bytes]:
    """The BPF program: each test either returns or falls through to the next."""
    column = 0 if machine == "x86_64" else 1
    program = [_load(4), _jump(AUDIT_ARCH[machine], 1, 0), _return(KILL), _load(0)]
    if machine == "x86_64":
        program += [_op(0x35, 0, 1, X32), _return(DENY)]
    for numbers in DENIED.values():
        number = numbers[column]
        if number is not None:
            program += [_jump(number, 0, 1), _return(DENY)]
    # ENOSYS makes libc fall back to clone, whose flags can be seen here: threads yes, processes no.
    program += [_jump(CLONE3[column], 0, 1), _return(ERRNO | errno.ENOSYS)]
    program += [_jump(CLONE[column], 0, 4), _load(16), _op(0x45, 0, 1, CLONE_THREAD), _return(ALLOW), _return(DENY)]
    for numbers in SIGNAL_CALLS:
        program += [_jump(numbers[column], 0, 4), _load(16), _jump(os.getpid(), 0, 1), _return(ALLOW), _return(DENY)]
    return [*program, _return(ALLOW)]


def _op(code: int, if_true: int, if_false: int, value: int) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _load(offset: int) -> bytes:
    return _op(0x20, 0, 0, offset)


def _jump(value: int, if_equal: int, if_not: int) -> bytes:
    return _op(0x15, if_equal, if_not, value)


def _return(value: int) -> bytes:
    return _op(0x06, 0, 0, value)
