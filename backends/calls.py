"""Which system calls may a child make? Those of an allow-list, measured on the libraries' own runs; all others fail."""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys
from typing import Final

AUDIT_ARCH: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
SECCOMP: Final = {"x86_64": 317, "aarch64": 277}
TSYNC: Final = 1
X32: Final = 0x40000000
ALLOW, KILL, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
DENY: Final = ERRNO | errno.EPERM

CLONE_THREAD: Final = 0x10000
O_ASYNC: Final = 0x2000

# name: (x86_64, aarch64), None where the kernel has no such call. tests/support/measured_calls.py says which of them a
# run of every engine makes; the rest are what libc may choose instead on another version or machine.
ALLOWED: Final = {
    # reading and writing what Landlock let it open
    "read": (0, 63), "write": (1, 64), "open": (2, None), "close": (3, 57), "lseek": (8, 62), "pread64": (17, 67),
    "pwrite64": (18, 68), "readv": (19, 65), "writev": (20, 66), "preadv": (295, 69), "pwritev": (296, 70),
    "openat": (257, 56), "creat": (85, None), "dup": (32, 23), "dup2": (33, None), "dup3": (292, 24),
    "pipe": (22, None), "pipe2": (293, 59), "close_range": (436, 436), "ftruncate": (77, 46), "fallocate": (285, 47),
    "fadvise64": (221, 223), "fsync": (74, 82), "fdatasync": (75, 83), "flock": (73, 32),
    "sendfile": (40, 71), "copy_file_range": (326, 285),
    # names and folders: Landlock bounds every change
    "stat": (4, None), "fstat": (5, 80), "lstat": (6, None), "newfstatat": (262, 79), "statx": (332, 291),
    "access": (21, None), "faccessat": (269, 48), "faccessat2": (439, 439), "readlink": (89, None),
    "readlinkat": (267, 78), "getdents": (78, None), "getdents64": (217, 61), "getcwd": (79, 17), "chdir": (80, 49),
    "fchdir": (81, 50), "rename": (82, None), "renameat": (264, 38), "renameat2": (316, 276), "mkdir": (83, None),
    "mkdirat": (258, 34), "rmdir": (84, None), "unlink": (87, None), "unlinkat": (263, 35), "umask": (95, 166),
    "statfs": (137, 43), "fstatfs": (138, 44),
    # memory
    "mmap": (9, 222), "mprotect": (10, 226), "munmap": (11, 215), "brk": (12, 214), "mremap": (25, 216),
    "madvise": (28, 233), "msync": (26, 227), "mincore": (27, 232), "membarrier": (324, 283),
    "get_mempolicy": (239, 236),
    # threads and waiting
    "futex": (202, 98), "futex_waitv": (449, 449), "set_robust_list": (273, 99), "set_tid_address": (218, 96),
    "rseq": (334, 293), "sched_yield": (24, 124), "sched_getaffinity": (204, 123), "getcpu": (309, 168),
    "sched_getparam": (143, 121), "sched_getscheduler": (145, 120), "sched_get_priority_max": (146, 125),
    "sched_get_priority_min": (147, 126), "getpriority": (140, 141),
    "select": (23, None), "pselect6": (270, 72), "poll": (7, None), "ppoll": (271, 73), "epoll_create": (213, None),
    "epoll_create1": (291, 20), "epoll_ctl": (233, 21), "epoll_wait": (232, None), "epoll_pwait": (281, 22),
    "eventfd2": (290, 19), "nanosleep": (35, 101), "clock_nanosleep": (230, 115), "restart_syscall": (219, 128),
    # its own signals' masks and ends
    "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139), "rt_sigpending": (127, 136),
    "rt_sigsuspend": (130, 133), "rt_sigtimedwait": (128, 137), "sigaltstack": (131, 132), "pause": (34, None),
    "exit": (60, 93), "exit_group": (231, 94),
    # questions about itself and the machine
    "clock_gettime": (228, 113), "clock_getres": (229, 114), "gettimeofday": (96, 169), "time": (201, None),
    "times": (100, 153), "getrusage": (98, 165), "sysinfo": (99, 179), "uname": (63, 160), "getpid": (39, 172),
    "gettid": (186, 178), "getppid": (110, 173), "getuid": (102, 174), "geteuid": (107, 175), "getgid": (104, 176),
    "getegid": (108, 177), "getresuid": (118, 148), "getresgid": (120, 150), "getgroups": (115, 158),
    "getpgrp": (111, None), "getpgid": (121, 155), "getsid": (124, 156), "capget": (125, 90), "getrlimit": (97, 163),
    "getrandom": (318, 278), "arch_prctl": (158, None),
}  # fmt: skip

# Calls that are harmless with some arguments only: name → (numbers, argument, the values that pass).
FCNTL_PASSES: Final = (*range(4), 5, 6, 7, 36, 37, 38, 1030, 1032)  # no F_SETOWN, F_SETSIG, F_SETLEASE, F_NOTIFY
IOCTL_PASSES: Final = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)  # is it a terminal, how much waits, FIO*
PRCTL_PASSES: Final = (3, 15, 16, 0x53564D41)  # GET_DUMPABLE, names of threads and of mappings
FCNTL, IOCTL, PRCTL = (72, 25), (16, 29), (157, 167)
F_SETFL: Final = 4
KILL_CALL, TGKILL, PRLIMIT = (62, 129), (234, 131), (302, 261)
CLONE, CLONE3 = (56, 220), (435, 435)


def close_calls() -> list[str]:
    """Refuse every system call that is not listed, in every thread, for good. Returns the wall that is lacking."""
    machine = platform.machine()
    if machine not in AUDIT_ARCH or sys.platform != "linux":
        return ["calls"]
    program = b"".join(filter_of(machine, own=os.getpid()))
    code = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("@HxxxxxxP", len(program) // 8, ctypes.addressof(code))
    return ["calls"] if ctypes.CDLL(None).syscall(SECCOMP[machine], 1, TSYNC, header) else []


def filter_of(machine: str, *, own: int) -> list[bytes]:
    """The BPF program for a process whose number is ``own``: each test either returns or falls through."""
    column = 0 if machine == "x86_64" else 1
    program = [_load(4), _jump(AUDIT_ARCH[machine], 1, 0), _return(KILL), _load(0)]
    if machine == "x86_64":
        program += [_op(0x35, 0, 1, X32), _return(DENY)]
    # ENOSYS makes libc fall back to clone, whose flags can be seen here: threads yes, processes no.
    program += [_jump(CLONE3[column], 0, 1), _return(ERRNO | errno.ENOSYS)]
    program += [_jump(CLONE[column], 0, 4), _load(_low(0)), _op(0x45, 0, 1, CLONE_THREAD), _return(ALLOW)]
    program += [_return(DENY)]
    # abort() and raise() send to their own process by its number; 0 and -1 would mean others.
    for call in (KILL_CALL, TGKILL):
        program += _only(call[column], 0, (own,))
    program += _reading_own_limits(PRLIMIT[column], own)
    program += _without_async(FCNTL[column])
    program += _only(FCNTL[column], 1, FCNTL_PASSES)
    program += _only(IOCTL[column], 1, IOCTL_PASSES)
    program += _only(PRCTL[column], 0, PRCTL_PASSES)
    for numbers in ALLOWED.values():
        number = numbers[column]
        if number is not None:
            program += [_jump(number, 0, 1), _return(ALLOW)]
    return [*program, _return(DENY)]


def _only(number: int, argument: int, values: tuple[int, ...]) -> list[bytes]:
    """``ALLOW`` if the low half of the argument is one of these, else ``DENY``: the kernel reads an int there."""
    tests = [part for value in values for part in (_jump(value, 0, 1), _return(ALLOW))]
    return [_jump(number, 0, len(tests) + 2), _load(_low(argument)), *tests, _return(DENY)]


def _reading_own_limits(number: int, own: int) -> list[bytes]:
    """Of itself, and with no new limit given: the parent alone sets any."""
    tests = [_load(_low(0)), _jump(0, 2, 0), _jump(own, 1, 0), _return(DENY)]
    tests += [_load(_low(2)), _jump(0, 1, 0), _return(DENY), _load(_low(2) + 4), _jump(0, 1, 0), _return(DENY)]
    return [_jump(number, 0, len(tests) + 1), *tests, _return(ALLOW)]


def _without_async(number: int) -> list[bytes]:
    """F_SETFL may not ask for signals."""
    tests = [_load(_low(1)), _jump(F_SETFL, 0, 3), _load(_low(2)), _op(0x45, 0, 1, O_ASYNC), _return(DENY), _load(0)]
    return [_jump(number, 0, len(tests)), *tests]


def _low(argument: int) -> int:
    """Where the low half of an argument stands in ``seccomp_data``, on a little-endian machine."""
    return 16 + 8 * argument


def _op(code: int, if_true: int, if_false: int, value: int) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _load(offset: int) -> bytes:
    return _op(0x20, 0, 0, offset)


def _jump(value: int, if_equal: int, if_not: int) -> bytes:
    return _op(0x15, if_equal, if_not, value)


def _return(value: int) -> bytes:
    return _op(0x06, 0, 0, value)
