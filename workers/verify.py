"""Do the stored rows keep our promises? ``python -m workers.verify`` says so; a worker asks every hour."""

from __future__ import annotations

import logging
import sys
import threading
from datetime import datetime
from typing import TYPE_CHECKING

from broker.clock import hub_clock
from broker.queue import SilentDoorbell
from broker.services.invariants import MEANING, verify_and_keep
from broker.settings import Settings
from broker.store.engine import open_engine
from broker.store.unit_of_work import Store

if TYPE_CHECKING:
    from broker.domain.finding import Finding

log = logging.getLogger("qsubmit.verify")


class Verification:
    """A verification beside the scan: over a large database it may take longer than a scan may be silent."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._thread: threading.Thread | None = None

    def begin(self, at: datetime) -> None:
        """Start one unless one still runs; what it finds is in the store when it is done."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, args=(at,), name="verify", daemon=True)
            self._thread.start()

    def wait(self) -> None:
        """Until the one that was begun is done."""
        if self._thread is not None:
            self._thread.join()

    def _run(self, at: datetime) -> None:
        try:
            found = verify_and_keep(self._store, at)
        except Exception:
            log.exception("verification failed")
            return
        for each in found:
            if not each.holds:
                extra = {"invariant": each.invariant, "violations": each.violations, "sample": each.sample}
                log.critical("invariant broken: %s", MEANING[each.invariant], extra=extra)


def shown(found: list[Finding]) -> str:
    """One line per invariant."""
    lines = []
    for each in found:
        verdict = "holds" if each.holds else f"BROKEN {each.violations} times, for {', '.join(each.sample)}"
        lines.append(f"{each.invariant:>3}  {MEANING[each.invariant]}: {verdict}\n")
    return "".join(lines)


def main() -> int:
    """0 if every invariant holds, 1 otherwise."""
    store = Store(open_engine(Settings().database), SilentDoorbell())
    found = verify_and_keep(store, hub_clock(store)())
    store.engine.dispose()
    sys.stdout.write(shown(found))
    return 0 if all(each.holds for each in found) else 1


if __name__ == "__main__":
    sys.exit(main())
