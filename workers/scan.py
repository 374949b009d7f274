"""What keeps the service working when no bell rings? A process that looks by itself, and dies if it cannot."""

from __future__ import annotations

import logging
import os
import random
import signal
import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING

from broker import logs
from broker.clock import note
from broker.heap import collect_rarely
from broker.settings import Settings
from workers.compose import hands
from workers.rounds import Rounds

if TYPE_CHECKING:
    from broker.domain.host import Here
    from workers.compose import Hands

log = logging.getLogger("qsubmit.scan")
SHORTEST_S = 0.05
HOUSE_S = 1.0  # no loop runs more often than every few seconds
NOTE_EVERY = timedelta(seconds=10)


class Scanner:
    """Looks every ``scan_s`` seconds, sooner if something is due; a scan that succeeds is a sign of life."""

    def __init__(self, hands: Hands) -> None:
        self._hands = hands
        self._clock = hands.clock
        self._rounds = Rounds(hands)
        self._alive = time.monotonic()
        self._stop = threading.Event()
        self._noted = self._clock() - NOTE_EVERY

    def stop(self, *_: object) -> None:
        """Finish the scan that runs, then end."""
        self._stop.set()

    def run(self) -> None:
        """Scan until told to stop."""
        threading.Thread(target=self._watch, name="watch", daemon=True).start()
        threading.Thread(target=self._keep_house, name="rounds", daemon=True).start()
        while not self._stop.is_set():
            taken = self._scan()
            if not taken:
                self._stop.wait(self._pause())

    def _keep_house(self) -> None:
        # Beside the scans, not between them: a vendor that is slow to list its devices must not hold up any job.
        while not self._stop.is_set():
            try:
                self._rounds.run(self._clock())
            except Exception:
                log.exception("rounds failed")
            self._stop.wait(HOUSE_S)

    def _scan(self) -> int:
        try:
            taken = self._hands.driver.tick()
            self._note()
        except Exception:
            log.exception("scan failed")
            self._stop.wait(1.0)
            return 0
        self._alive = time.monotonic()
        return taken

    def _note(self) -> None:
        at = self._clock()
        if at - self._noted >= NOTE_EVERY:
            self._noted = at
            with self._hands.store.write() as work:
                work.leases.take("scan", self._hands.owner, at, timedelta(0))
                work.leases.succeed("scan", at)
                note(work, self._clock)

    def _pause(self) -> float:
        longest = self._hands.settings.scan_s * random.uniform(0.75, 1.25)  # noqa: S311  jitter, not a secret
        try:
            with self._hands.store.read() as work:
                due = work.jobs.next_due(tuple(self._hands.backends), sent=True, here=self._here())
        except Exception:
            log.exception("cannot see what is due")  # a database that restarts is no reason to end
            return longest
        if due is None:
            return longest
        return min(longest, max(SHORTEST_S, (due - self._clock()).total_seconds()))

    def _here(self) -> Here | None:
        heart = self._hands.heart
        return None if heart is None else heart.here(self._clock())

    def _watch(self) -> None:
        # A worker that silently stopped scanning is worse than a dead one: a dead one is started again.
        while not self._stop.wait(1.0):
            if time.monotonic() - self._alive > self._hands.settings.scan_stale_s + self._hands.settings.stay_s:
                log.critical("no successful scan for too long; exiting")
                os._exit(70)


def main() -> None:
    """``python -m workers.scan``."""
    settings = Settings()
    logs.configure(settings.log_level, as_json=settings.log_json)
    scanner = Scanner(hands(settings))
    collect_rarely()
    signal.signal(signal.SIGTERM, scanner.stop)
    signal.signal(signal.SIGINT, scanner.stop)
    scanner.run()


if __name__ == "__main__":
    main()
