"""What would hostile or broken code try inside a child? One function each."""

from __future__ import annotations

import ctypes
import hashlib
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path

kept: list[object] = []


class LocatedError(Exception):
    def __init__(self):
        super().__init__("no such gate")
        self.code, self.line, self.column = "program_gate", 3, 7


def deed(request: dict) -> dict:
    return {"value": DEEDS[request["do"]](request)}


def memory(request):
    while True:
        kept.append(b"x" * (64 << 20))


def spin(request):
    while True:
        pass


def burn(request):
    end = time.process_time() + request["seconds"]
    while time.process_time() < end:
        pass


def deep(request):
    return deep(request)


def located(request):
    raise LocatedError


def fork(request):
    tried = []
    for attempt in (os.fork, os.posix_spawn, lambda: os.system("true")):
        try:
            tried.append(attempt("/bin/true", ["true"], {}) if attempt is os.posix_spawn else attempt())
        except OSError as error:
            tried.append(type(error).__name__)
    return tried


def thread(request):
    seen = []
    runner = threading.Thread(target=lambda: seen.append(True))
    runner.start()
    runner.join()
    return seen


def connect(request):
    refused = []
    for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX):
        try:
            socket.socket(family)
        except PermissionError:
            refused.append(family.name)
    return refused


def allowed(attempt):
    try:
        attempt()
    except OSError as error:
        return type(error).__name__
    return "allowed"


def noise(request):
    os.write(1, b"n" * request["bytes"])
    print("from python", flush=True)
    ctypes.CDLL(None).puts(b"from C")
    return "quiet"


def burrow(request):
    """A folder in a folder, deeper than anybody's recursion, with a file at the bottom."""
    home = Path.cwd()
    for _ in range(request["levels"]):
        Path("a").mkdir()
        os.chdir("a")
    Path("treasure").write_bytes(b"x")
    os.chdir(home)
    return str(home)


def shut(request):
    """Folders that their owner can no longer look into, and a link out of here."""
    os.umask(0)
    for name, mode in (("unread", 0o300), ("open", 0o700)):
        Path(name).mkdir(mode)
        Path(name, "treasure").write_bytes(b"x")
        Path(name, "inner").mkdir(0o000)
    Path("link").symlink_to(request["link"])
    return str(Path.cwd())


def deaf(request):
    """Burns in several threads, and does not hear of its limit."""
    signal.signal(signal.SIGXCPU, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGXCPU})
    spinning = [threading.Thread(target=_hash, daemon=True) for _ in range(2)]
    for each in spinning:
        each.start()
    for each in spinning:
        each.join()


def _hash():
    while True:
        hashlib.sha256(b"x" * (1 << 20)).digest()


DEEDS = {
    "burrow": burrow,
    "shut": shut,
    "deaf": deaf,
    "echo": lambda request: request.get("value"),
    "pid": lambda request: os.getpid(),
    "keep": lambda request: kept.append(request["value"]),
    "kept": lambda request: list(kept),
    "memory": memory,
    "spin": spin,
    "sleep": lambda request: time.sleep(request["seconds"]),
    "burn": burn,
    "deep": deep,
    "located": located,
    "exit": lambda request: sys.exit(3),
    "abort": lambda request: os.abort(),
    "fork": fork,
    "thread": thread,
    "connect": connect,
    "kill": lambda request: allowed(lambda: os.kill(request["pid"], 9)),
    "write": lambda request: allowed(lambda: Path(request["path"]).write_bytes(b"x" * request.get("bytes", 1))),
    "read": lambda request: allowed(lambda: Path(request["path"]).read_bytes()),
    "noise": noise,
    "reply": lambda request: "r" * request["bytes"],
    "environ": lambda request: dict(os.environ),
    "not json": lambda request: object(),
}
