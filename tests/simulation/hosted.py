"""What if the local runs were real? The real adapter and its host; the oracle is the host's own book."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from backends.base import Phase
from backends.errors import BackendError, Busy, OutcomeUnknown
from backends.local.adapter import backend
from broker.domain.ids import TOKEN_PREFIX
from broker.domain.price import charge
from tests.simulation.sandbox_site import Row, Standing
from tests.simulation.sandboxed import Sandboxed
from tests.simulation.scenery import price_of
from tests.simulation.stage import Violation
from tests.simulation.treatment import SECOND

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from backends.base import Order, Outcome
    from broker.domain.ids import RemoteId

CUT = frozenset({"lost", "error_after", "surprise"})
UNSENT = frozenset({"reset_before", "late_in", "late_out"})
TOO_WIDE = 4000


class HostSite(Standing):
    """One folder with its host, which starts with the first submit; what is not of this schedule is left out."""

    def __init__(self) -> None:
        self._home = tempfile.TemporaryDirectory(prefix="local-", ignore_cleanup_errors=True)
        environ = {**os.environ, "QSUBMIT_LOCAL_IDLE_S": "5"}
        self.connect(backend(data=Path(self._home.name), environ=environ))
        self.old: frozenset[RemoteId] = frozenset()

    def reset(self, *, stopped: float = 0.0, **_: object) -> None:
        """Everything runs, or ``stopped``: what simulates stands still, and the host answers."""
        self.turn()
        self.old = frozenset(self.backend.find(TOKEN_PREFIX))
        if stopped:
            for child in self._children():
                child.suspend()

    def turn(self, **_: object) -> None:
        """Let everything run."""
        for child in self._children():
            child.resume()

    @contextlib.contextmanager
    def turned(self, **_: object) -> Iterator[None]:
        """A host has no knobs."""
        yield

    def rows(self, tokens: Collection[str]) -> list[Row]:
        """Every run in the host's book; one that bears none of ``tokens`` is nobody's."""
        by_id = {remote_id: token for token in tokens for remote_id in self.backend.find(token)}
        found = set(self.backend.find(TOKEN_PREFIX)) - self.old
        return [Row(remote_id=remote_id, token=by_id.get(remote_id, "")) for remote_id in sorted(found)]

    def kill(self) -> None:
        """-9, with all that it runs; the next submit starts another."""
        host = self._host()
        if host is not None:
            host.kill()
            while self._host() is not None:
                time.sleep(0.002)

    def _host(self) -> psutil.Process | None:
        hello = self.backend._ask_running("hello", [None], default=None)
        return None if hello is None else psutil.Process(hello[0]["pid"])

    def _children(self) -> list[psutil.Process]:
        host = self._host()
        return [] if host is None else host.children(recursive=True)

    def close(self) -> None:
        self.turn()
        self.backend._caller.end_host()
        self.backend.close()
        self._home.cleanup()


class Hosted(Sandboxed):
    """Takes and gives many at once, says when a run has ended, and forgets everything when it dies."""

    reply = SECOND // 1000
    at_once = 1024
    tells_ends = True

    def forget(self) -> None:
        self.notice()
        self._site.kill()
        for row in self.ledger.values():
            row.gone = True

    def settle(self) -> None:
        super().settle()
        for row in self.ledger.values():
            if row.token not in {a.token for a in self._world.store.tables["attempts"].values()}:
                raise Violation(f"4: {row.remote_id} ran for nobody")
            if row.seen is Phase.DONE and not row.gone:
                self._priced(row.remote_id, self.backend.fetch(row.remote_id))

    def _charged(self, known: Row, row: Row) -> None:
        """The book says nothing of money."""

    def _priced(self, remote_id: RemoteId, outcome: Outcome) -> None:
        """What the run is worth if it is taken: by the host's own clock, at the price of where it was sent."""
        row = self.ledger[remote_id]
        attempt = next(a for a in self._world.store.tables["attempts"].values() if a.token == row.token)
        row.micros = charge(price_of(self._world.devices[attempt.device]), outcome.usage).micros

    def _create(self, order: Order, fault: str) -> RemoteId | BackendError:
        if fault in {"busy", "unauthorized"}:
            return Busy("the local host cannot be started", retry_after=1.0)
        if fault in UNSENT:
            return OutcomeUnknown("the local host went away")
        if fault == "refused":
            need = replace(order.requirement, width=TOO_WIDE, entangling_cut=TOO_WIDE // 2, clifford=False)
            return self._one(replace(order, requirement=need))
        reply = self._one(order)
        if fault == "gone":
            self.forget()
        return OutcomeUnknown("the local host went away") if fault in CUT else reply

    def _land(self, order: Order) -> None:
        self.pending -= 1  # nothing is on its way over a local socket that was cut

    def find(self, token: str) -> Sequence[RemoteId]:
        return [remote_id for remote_id in super().find(token) if remote_id not in self._site.old]

    def submit_many(self, orders: Sequence[Order]) -> Sequence[RemoteId | BackendError]:
        return [self._answer(order) for order in orders]

    def _answer(self, order: Order) -> RemoteId | BackendError:
        try:
            return self.submit(order)
        except BackendError as error:
            return error

    def wait(self, remote_ids: Sequence[RemoteId], timeout_s: float, *, need: int = 1) -> Sequence[RemoteId]:
        patience_s = 0.0 if self._held else timeout_s
        ended: Sequence[RemoteId] = self.backend.wait(remote_ids, patience_s, need=need)
        self._stage.sleep(SECOND // 1000 if len(ended) >= need else int(timeout_s * SECOND))
        return ended

    def fetch_many(self, remote_ids: Sequence[RemoteId]) -> list[Outcome | BackendError]:
        return [self._fetched(remote_id) for remote_id in remote_ids]

    def _fetched(self, remote_id: RemoteId) -> Outcome | BackendError:
        try:
            outcome = self.fetch(remote_id)
        except BackendError as error:
            return error
        self._priced(remote_id, outcome)
        return outcome
