"""What runs in a template? It imports a target once, and from then on forks a child for whoever asks."""

from __future__ import annotations

import array
import gc
import importlib
import json
import os
import signal
import socket
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backends import apart, confine, descriptors
from backends.child_life import Birth, live

if TYPE_CHECKING:
    from collections.abc import Callable

JOINED_WITHIN_S = 5.0
MAX_ORDER_BYTES = 1 << 16
ENDS = 4  # requests, replies, what it prints, and where its starter tells of it


class Threaded(Exception):
    """A fork takes along one thread only; what another one held would be locked for ever."""


def main(settings: dict[str, Any]) -> None:
    """Be ready once the target is warm; end when the parent closes the line."""
    apart.die_with_parent()
    if os.getppid() != settings["parent"]:
        os._exit(0)
    line = socket.socket(fileno=os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    module_name, _, name = settings["target"].partition(":")
    package = module_name.partition(".")[0]
    home, cache = Path(settings["home"]), Path(settings["cache"])
    # No program comes here, only libraries: what they write is for templates, and for children to read. The layer that
    # each child adds allows it less of both; /proc is whole because each has another number in it.
    confine.close_files(package=package, writable=(home.parent, cache, Path("/proc")))
    function = warmed(module_name, name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    line.send(json.dumps({"ready": True}).encode())
    serve(line, settings | {"package": package}, function)


def warmed(module_name: str, name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """The target after its ``warm()``, in a process that may be forked."""
    module = importlib.import_module(module_name)
    function: Callable[[dict[str, Any]], dict[str, Any]] = getattr(module, name)
    getattr(module, "warm", lambda: None)()
    _await_one_thread(module_name)
    gc.collect()
    gc.freeze()
    return function


def _await_one_thread(module_name: str) -> None:
    """A thread that was joined is still in the kernel's list for a moment."""
    deadline = time.monotonic() + JOINED_WITHIN_S
    while (threads := len(list(Path("/proc/self/task").iterdir()))) != 1:
        if time.monotonic() > deadline:
            raise Threaded(f"warming {module_name} left {threads} threads")
        time.sleep(0.001)


def serve(line: socket.socket, settings: dict[str, Any], function: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """One starter for each order; the template itself keeps nothing of it."""
    kept = descriptors.open_now() - {0, 1, 2, line.fileno()}
    uid_map = Path("/proc/self/uid_map").read_text()
    while True:
        order, ends = received(line)
        if not order:
            return
        ours, theirs = socket.socketpair()
        starter = os.fork()
        if starter == 0:
            line.close()
            ours.close()
            user = apart.user_of(os.getpid(), uid_map) if os.geteuid() == 0 else None
            start(Birth(settings | json.loads(order), ends, kept, function), theirs, user)
        theirs.close()
        for end in ends:
            os.close(end)
        with ours:
            give_user(ours, starter, apart.user_of(starter, uid_map))


def give_user(starter: socket.socket, number: int, user: int | None) -> None:
    """Answer its one question, if it asks: only we, outside of its namespace, may say who is known inside."""
    if starter.recv(1):
        starter.send(b"y" if user is not None and apart.map_users(number, user) else b"n")


def received(line: socket.socket) -> tuple[bytes, list[int]]:
    size = array.array("i").itemsize * ENDS
    order, attached, _, _ = line.recvmsg(MAX_ORDER_BYTES, socket.CMSG_SPACE(size))
    ends = array.array("i")
    for _, _, numbers in attached:
        ends.frombytes(numbers[: len(numbers) - len(numbers) % ends.itemsize])
    return order, list(ends)


def start(birth: Birth, template: socket.socket, user: int | None) -> None:
    """In the starter: fork the child into its namespaces, tell its number, and how it ended. Never returns."""
    parent = os.getppid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    may_give = apart.can_give_users()
    spaces = apart.enter_spaces()
    if spaces & apart.NEW_USER and user is not None:
        template.send(b"?")
        may_give = template.recv(1) == b"y"
    template.close()
    apart.die_with_parent()
    if os.getppid() != parent:
        os._exit(0)
    child = os.fork()
    if child == 0:
        try:
            live(birth, lacks=apart.lacking(spaces), user=user if may_give else None)
        except BaseException:  # noqa: BLE001  nobody else hears of it
            traceback.print_exc()
        finally:
            os._exit(1)
    attend(birth, child)


def attend(birth: Birth, child: int) -> None:
    """Until it has ended and the parent has heard so."""
    *pipes, told = birth.ends
    for pipe in pipes:
        os.close(pipe)
    news = socket.socket(fileno=told)
    try:
        news.send(json.dumps({"pid": child}).encode())
        # Not reaped yet: as long as the parent may speak of the number, it must be nobody else's.
        ended = os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
        status = 0 if ended is None else ended.si_status
        signalled = ended is not None and ended.si_code != os.CLD_EXITED
        news.send(json.dumps({"status": -status if signalled else status}).encode())
        news.recv(1)
    finally:
        os._exit(0)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
