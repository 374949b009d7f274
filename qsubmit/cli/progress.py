"""What does a waiting person see? One live line on a terminal; one line per move anywhere else."""

from __future__ import annotations

import sys
import time

from qsubmit.cli import terminal, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from threading import Event as Signal
    from threading import Thread
    from typing import Self

    from qsubmit.shapes import Event, Job

FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
BEAT_S = 0.12


class Progress:
    """The way of one job on standard error, as a context. ``quiet`` says nothing."""

    def __init__(self, job: Job, *, quiet: bool) -> None:
        self._device = job["device"] + (" [sandbox]" if job["sandbox"] else "")
        self._state, self._reason = job["state"], ""
        self._began = self._since = time.monotonic()
        self._live = not quiet and terminal.is_tty(sys.stderr)
        self._lines = not quiet and not self._live
        self._first: float | None = None
        self._stop: Signal | None = None
        self._thread: Thread | None = None

    def __enter__(self) -> Self:
        """Start the live line, if somebody can see it."""
        if self._live:
            from threading import Event, Thread

            self._stop = Event()
            self._thread = Thread(target=self._animate, args=(self._stop,), daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave a clean line."""
        if self._stop and self._thread:
            self._stop.set()
            self._thread.join()
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def moved(self, event: Event) -> None:
        """Take in a move."""
        self._state, self._reason, self._since = event["state"], event["reason"], time.monotonic()
        if self._lines:
            at = words.parse(event["at"]).timestamp()
            self._first = at if self._first is None else self._first
            reason = f"  {terminal.clean(event['reason'])}" if event["reason"] else ""
            passed = words.span(max(at - self._first, 0))
            terminal.note(f"{passed:>9}  {event['state']:<10}{reason}".rstrip())

    def looked(self, job: Job) -> None:
        """Take in what a fresh look says beyond the moves: the device and the place in the vendor's queue."""
        self._device = job["device"] + (" [sandbox]" if job["sandbox"] else "")
        attempt = job["attempt"]
        if attempt and attempt["queue_position"] is not None and job["state"] == "submitted":
            self._reason = f"place {attempt['queue_position']} in the vendor's queue"

    def _animate(self, stop: Signal) -> None:
        frames = FRAMES if terminal.unicode(sys.stderr) else "|/-\\"
        beat = 0
        while not stop.wait(BEAT_S):
            sys.stderr.write("\r\x1b[K" + self._line(frames[beat % len(frames)]))
            sys.stderr.flush()
            beat += 1

    def _line(self, frame: str) -> str:
        now = time.monotonic()
        room = (terminal.width(sys.stderr) or 80) - 1
        left = f"{frame} {terminal.clean(self._state)}"
        rest = f" · {terminal.clean(self._device)} · {words.span(round(now - self._began, 1))}"
        if self._reason:
            rest += f" · {terminal.clean(self._reason)}"
        shown = terminal.cut(left + rest, room)
        return terminal.state(shown[: len(left)], sys.stderr) + shown[len(left) :] if len(shown) > len(left) else shown
