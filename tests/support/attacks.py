"""What does code try that has taken over its child? Raw system calls mostly: no library stands between it and them.

It runs in any kind of child: the libraries of the one that ``ATTACK_INSIDE`` names are warm around it.
"""

# ruff: noqa: PTH101, PTH102, PTH104, PTH108, PTH115, PTH208  these are the calls themselves that are tried
from __future__ import annotations

import ctypes
import errno
import importlib
import os
import platform
import resource
import tempfile
from pathlib import Path

from backends import apart, confine
from backends import calls as calls_of_a_child

COLUMN = 0 if platform.machine() == "x86_64" else 1
libc = ctypes.CDLL(None, use_errno=True)

# Ways to reach other processes, new ones, the network or the kernel's rarer parts: (x86_64, aarch64) and arguments.
NUMBERS = {
    "tkill": (200, 130), "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240), "pidfd_open": (434, 434),
    "pidfd_send_signal": (424, 424), "pidfd_getfd": (438, 438), "setpgid": (109, 154), "setsid": (112, 157),
    "timer_create": (222, 107), "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "process_madvise": (440, 440), "kcmp": (312, 272), "setrlimit": (160, 164), "setpriority": (141, 140),
    "sched_setaffinity": (203, 122), "sched_setscheduler": (144, 119), "sched_setattr": (314, 274),
    "ioprio_set": (251, 30), "move_pages": (279, 239), "migrate_pages": (256, 238), "socket": (41, 198),
    "socketpair": (53, 199), "connect": (42, 203), "bind": (49, 200), "sendmsg": (46, 211), "execve": (59, 221),
    "execveat": (322, 281), "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39),
    "chroot": (161, 51), "pivot_root": (155, 41), "bpf": (321, 280), "perf_event_open": (298, 241),
    "userfaultfd": (323, 282), "io_uring_setup": (425, 425), "keyctl": (250, 219), "add_key": (248, 217),
    "request_key": (249, 218), "memfd_create": (319, 279), "memfd_secret": (447, 447), "shmget": (29, 194),
    "msgget": (68, 186), "semget": (64, 190), "mq_open": (240, 180), "inotify_init1": (294, 26),
    "fanotify_init": (300, 262), "open_by_handle_at": (304, 265), "name_to_handle_at": (303, 264), "setuid": (105, 146),
    "setresuid": (117, 147), "setgid": (106, 144), "capset": (126, 91), "seccomp": (317, 277), "personality": (135, 92),
    "init_module": (175, 105), "kexec_load": (246, 104), "reboot": (169, 142), "swapon": (167, 224),
    "acct": (163, 89), "quotactl": (179, 60), "syslog": (103, 116), "vhangup": (153, 58), "settimeofday": (164, 170),
    "clock_settime": (227, 112), "adjtimex": (159, 171), "sethostname": (170, 161), "wait4": (61, 260),
    "openat2": (437, 437), "mlockall": (151, 230), "lookup_dcookie": (212, 18),
}  # fmt: skip
KILL, TGKILL, PRLIMIT, CLONE, CLONE3 = (62, 129), (234, 131), (302, 261), (56, 220), (435, 435)
PATHS = {
    "fchmodat": (268, 53), "fchmodat2": (452, 452), "fchownat": (260, 54), "utimensat": (280, 88), "linkat": (265, 37),
    "symlinkat": (266, 36), "mknodat": (259, 33), "setxattr": (188, 5), "lsetxattr": (189, 6), "removexattr": (197, 14),
    "truncate": (76, 45),
}  # fmt: skip
AT_FDCWD, SIGTERM = -100, 15
PIECE = 1 << 20


def warm() -> None:
    """As the child that we are in; with walls that ``ATTACK_WITHOUT`` names as if this machine had none."""
    for wall in os.environ.get("ATTACK_WITHOUT", "").split():
        TORN_DOWN[wall]()
    inside = os.environ.get("ATTACK_INSIDE")
    if inside:
        getattr(importlib.import_module(inside), "warm", lambda: None)()


def call(numbers, *arguments) -> str:
    """The error's name, or ``allowed``."""
    ctypes.set_errno(0)
    found = libc.syscall(numbers[COLUMN], *arguments)
    return errno.errorcode.get(ctypes.get_errno(), "?") if found == -1 else "allowed"


def tried(attempt) -> str:
    try:
        attempt()
    except OSError as error:
        return errno.errorcode.get(error.errno, type(error).__name__)
    return "allowed"


def calls(_):
    return {name: call(numbers, 0, 0, 0, 0, 0) for name, numbers in NUMBERS.items()}


def signals(request):
    found = {}
    for name, pid in {**request["pids"], "all": -1, "group": 0}.items():
        found[f"kill {name}"] = call(KILL, pid, 0)
        found[f"tgkill {name}"] = call(TGKILL, pid, pid, 0)
    import fcntl

    with tempfile.TemporaryFile() as file:
        for name, command, value in (
            ("F_SETOWN", 8, request["pids"]["parent"]),
            ("F_SETSIG", 10, SIGTERM),
            ("F_SETLEASE", 1024, 1),
            ("F_NOTIFY", 1026, 1),
            ("F_SETFL O_ASYNC", 4, 0x2000),
        ):
            found[name] = tried(lambda command=command, value=value: fcntl.fcntl(file, command, value))
    for name, option in {"PR_SET_PDEATHSIG": 1, "PR_SET_PTRACER": 0x59616D61, "PR_SET_DUMPABLE": 4}.items():
        found[name] = "allowed" if libc.prctl(option, 1, 0, 0, 0) == 0 else errno.errorcode[ctypes.get_errno()]
    return found


def limits(request):
    bound = (ctypes.c_ulong * 2)(1 << 20, 1 << 20)
    found = {name: call(PRLIMIT, pid, 9, ctypes.byref(bound), None) for name, pid in request["pids"].items()}
    found["itself"] = call(PRLIMIT, 0, 9, ctypes.byref(bound), None)
    found["reading others"] = call(PRLIMIT, request["pids"]["parent"], 9, None, ctypes.byref(bound))
    resource.getrlimit(resource.RLIMIT_AS)
    return found


def processes(_):
    return {
        "fork": tried(os.fork),
        "spawn": tried(lambda: os.posix_spawn("/bin/true", ["true"], {})),
        "clone": call(CLONE, 17, 0, 0, 0, 0),
        "clone3": call(CLONE3, 0, 0),
    }


def files(request):
    """On a file of another: what Landlock does not look at, and what it does."""
    path = request["path"]
    name, times = path.encode(), (ctypes.c_long * 4)(0, 0, 0, 0)
    at = {
        "fchmodat": (AT_FDCWD, name, 0o777), "fchmodat2": (AT_FDCWD, name, 0o777, 0),
        "fchownat": (AT_FDCWD, name, 0, 0, 0), "utimensat": (AT_FDCWD, name, ctypes.byref(times), 0),
        "linkat": (AT_FDCWD, name, AT_FDCWD, b"mine", 0), "symlinkat": (name, AT_FDCWD, b"link"),
        "mknodat": (AT_FDCWD, name + b".pipe", 0o10666, 0), "setxattr": (name, b"user.x", b"x", 1, 0),
        "lsetxattr": (name, b"user.x", b"x", 1, 0), "removexattr": (name, b"user.x"), "truncate": (name, 0),
    }  # fmt: skip
    found = {what: call(PATHS[what], *arguments) for what, arguments in at.items()}
    return found | {
        "chmod": tried(lambda: os.chmod(path, 0o777)),
        "utime": tried(lambda: os.utime(path, (0, 0))),
        "read": tried(lambda: Path(path).read_bytes()),
        "write": tried(lambda: Path(path).write_bytes(b"x")),
        "append": tried(lambda: os.close(os.open(path, os.O_WRONLY | os.O_APPEND))),
        "unlink": tried(lambda: os.unlink(path)),
        "rename": tried(lambda: os.rename(path, path + ".gone")),
        "beside": tried(lambda: Path(path + ".new").write_bytes(b"x")),
        "folder": tried(lambda: os.mkdir(path + ".dir")),
    }


def proc(request):
    found = {}
    for pid in request["pids"].values():
        for what in ("environ", "mem", "maps", "cmdline", "fd", "root", "cwd", "status", "oom_score_adj"):
            place = f"/proc/{pid}/{what}"
            found[f"read {what} of {pid}"] = tried(lambda place=place: os.close(os.open(place, os.O_RDONLY)))
        found[f"write mem of {pid}"] = tried(lambda pid=pid: os.close(os.open(f"/proc/{pid}/mem", os.O_RDWR)))
    found["list"] = tried(lambda: os.listdir("/proc"))
    return found


def descriptors(_):
    """What each open one is."""
    found = {}
    for number in range(256):
        try:
            found[number] = os.readlink(f"/proc/self/fd/{number}")
        except OSError:
            try:
                os.fstat(number)
            except OSError:
                continue
            found[number] = f"mode {os.fstat(number).st_mode:o}"
    return {str(number): what for number, what in found.items()}


def hold(request):
    """Keep it as a program would be kept, in the heap."""
    held.append(request["word"][::-1])


def search(request):
    """In all that this process has mapped; the word comes backwards, so that the request is no hit."""
    word, hits = request["word"][::-1].encode(), 0
    for line in Path("/proc/self/maps").read_text().splitlines():
        place, rights, *_, name = line.split(maxsplit=5) if line.count(" ") > 4 else (*line.split(), "")
        if "rw" not in rights or "[vvar" in name:
            continue
        start, end = (int(part, 16) for part in place.split("-"))
        hits += sum(
            ctypes.string_at(at, min(PIECE + len(word) - 1, end - at)).count(word) for at in range(start, end, PIECE)
        )
    return hits - 1  # the word that is looked for itself


def identity(_):
    return {
        "ids": [os.getpid(), os.getuid(), os.getgid(), os.getgroups()],
        "status": Path("/proc/self/status").read_text(),
        "environ": dict(os.environ),
        "argv": Path("/proc/self/cmdline").read_text(),
    }


def no_spaces():
    apart.SPACES = ()


def no_files():
    confine.LANDLOCK_CREATE = -1


def no_filter():
    calls_of_a_child.close_calls = lambda: ["calls"]


TORN_DOWN = {"spaces": no_spaces, "files": no_files, "calls": no_filter}
held: list[str] = []
DEEDS = {
    deed.__name__: deed
    for deed in (calls, signals, limits, processes, files, proc, descriptors, hold, search, identity)
}  # fmt: skip


def deed(request: dict) -> dict:
    """Do it."""
    return {"value": DEEDS[request["do"]](request)}
