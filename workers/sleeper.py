"""Who wakes a sandbox? The first connection: its socket listens all the time, the process only runs when needed."""

from __future__ import annotations

import logging
import os
import select
import socket
import threading
from typing import TYPE_CHECKING

from workers.supervise import Process, Program

if TYPE_CHECKING:
    from collections.abc import Sequence

log = logging.getLogger("qsubmit.sleeper")
LOOK_S = 0.5
BACKLOG = 256
PAUSE_S, LONGEST_PAUSE_S = 0.5, 10.0


class Sleeper:
    """A program behind a listening socket: begun when somebody connects, and again by the first after its end.

    A connection waits in the socket's queue meanwhile; none is refused and none is lost.
    """

    def __init__(self, name: str, command: Sequence[str]) -> None:
        self.name = name
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(BACKLOG)
        self.url = "http://{}:{}".format(*self._listener.getsockname())
        number = self._listener.fileno()
        program = Program(name=name, command=(*command, "--host", f"fd://{number}"), fds=(number,))
        self._process = Process(program)
        self._stopping = threading.Event()
        self._told, self._tell = os.pipe()
        self._thread: threading.Thread | None = None

    def ended(self) -> str | None:
        """None: to sleep is no end, and what crashes is begun by the next connection."""
        return None

    def begin(self) -> None:
        """Begin the process, and later wait for who wakes it: at the start of a hub all are asked what they offer."""
        # The thread that begins the process must outlive it: its end is the process's (PR_SET_PDEATHSIG).
        self._thread = threading.Thread(target=self._watch, name=self.name, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """End the process, if it runs, and listen no more."""
        self._stopping.set()
        os.write(self._tell, b".")
        self._process.end()
        if self._thread is not None:
            self._thread.join()
            self._process.end()  # it may have been begun just before
        self._listener.close()

    def _watch(self) -> None:
        failures, wanted = 0, not self._stopping.is_set()
        while wanted:
            self._process.begin()
            while (how := self._process.ended()) is None and not self._stopping.wait(LOOK_S):
                pass
            failures = 0 if how == "status 0" else failures + 1
            if failures and not self._stopping.is_set():
                pause = min(PAUSE_S * 2**failures, LONGEST_PAUSE_S)
                log.error("%s ended with %s; again in %.1f s if somebody asks", self.name, how, pause)
                self._stopping.wait(pause)
            wanted = self._wanted()

    def _wanted(self) -> bool:
        """Whether somebody has connected; False once nobody is to be served any more."""
        if not self._stopping.is_set():
            select.select([self._listener.fileno(), self._told], [], [])
        return not self._stopping.is_set()
