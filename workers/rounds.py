"""What must be done now and then? Maintenance loops, each under a database lease, run by whichever worker is free."""

from __future__ import annotations

import logging
import socket
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from backends import wall_look
from backends.errors import BackendError
from backends.walls import WALLS
from broker.domain.host import together
from broker.domain.recovery import Recovery
from broker.domain.wall import Wall
from broker.services.ceiling import ceilings
from broker.services.count import count
from broker.services.retain import carry_out
from workers.hushed import Hush
from workers.specs import keep_specs
from workers.sweep import sweep
from workers.verify import Verification

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from backends.base import Backend
    from workers.compose import Hands

log = logging.getLogger("qsubmit.rounds")
SWEEP_EVERY = timedelta(minutes=10)
COUNT_EVERY = timedelta(seconds=30)
RETAIN_EVERY = timedelta(minutes=10)


@dataclass(frozen=True, kw_only=True, slots=True)
class Round:
    """A loop: its lease's name, how often, and what it does; one that is not ``shared`` is run by every scanner."""

    name: str
    every: timedelta
    run: Callable[[datetime], object]
    shared: bool = True


def rounds_of(hands: Hands) -> list[Round]:
    """Every loop of this worker's backends, and the hourly look at the invariants."""
    every = timedelta(seconds=hands.settings.catalogue_s)
    verification = Verification(hands.store)
    found = [Round(name="verify", every=timedelta(seconds=hands.settings.verify_s), run=verification.begin)]
    found.append(Round(name="count", every=COUNT_EVERY, run=partial(count, hands.store)))
    found.append(Round(name="retention", every=RETAIN_EVERY, run=partial(carry_out, hands.store)))
    machine = socket.gethostname()
    found.append(Round(name=f"walls:{machine}", every=every, run=_walls(hands, machine)))
    for name, backend in hands.backends.items():
        hush = Hush(name)
        found.append(
            Round(name=f"catalogue:{name}", every=every, run=hush.over("catalogue", _catalogue(hands, backend)))
        )
        # Each host is swept by its own workers: nobody else sees what is left there, and to look twice does no harm.
        shared, run = backend.recovery is not Recovery.RERUN, hush.over("sweep", _sweep(hands, backend))
        found.append(Round(name=f"sweep:{name}", every=SWEEP_EVERY, run=run, shared=shared))
        if backend.keeps_ceilings:
            found.append(Round(name=f"belt:{name}", every=SWEEP_EVERY, run=hush.over("belt", _belt(hands, backend))))
    return found


class Rounds:
    """Runs those loops that are due and whose lease is free; one failing loop does not stop the others."""

    def __init__(self, hands: Hands) -> None:
        self._hands = hands
        self._rounds = rounds_of(hands)
        self._next: dict[str, datetime] = {}

    def run(self, at: datetime) -> None:
        """One pass."""
        for each in self._rounds:
            if at < self._next.get(each.name, at):
                continue
            self._next[each.name] = at + each.every
            if self._take(each, at):
                self._one(each, at)

    def _take(self, each: Round, at: datetime) -> bool:
        with self._hands.store.write() as work:
            taken = work.leases.take(each.name, self._hands.owner, at, each.every if each.shared else timedelta(0))
        return taken is not None or not each.shared

    def _one(self, each: Round, at: datetime) -> None:
        try:
            each.run(at)
        except BackendError as error:
            log.warning("round failed", extra={"round": each.name, "error": str(error)})
        except Exception:
            log.exception("round broke", extra={"round": each.name})
        else:
            with self._hands.store.write() as work:
                work.leases.succeed(each.name, at)


def _catalogue(hands: Hands, backend: Backend) -> Callable[[datetime], None]:
    def run(at: datetime) -> None:
        seen = backend.devices()
        with hands.store.write() as work:
            if hands.heart is not None and backend.recovery is Recovery.RERUN:
                # Whichever host keeps the catalogue: what is offered is what all of them can run.
                seen = together(work.hosts.living(hands.heart.here(at).heard)) or seen
            work.catalogue.put_devices(backend.name, backend.recovery.value, seen, at)
        keep_specs(hands.store, backend, seen, at)

    return run


def _walls(hands: Hands, machine: str) -> Callable[[datetime], None]:
    def run(at: datetime) -> None:
        lacks = wall_look.lacking()
        seen = [
            Wall(machine=machine, name=name, stands=name not in lacks, means=means, seen_at=at)
            for name, means in WALLS.items()
        ]
        with hands.store.write() as work:
            work.walls.replace(machine, seen)

    return run


def _belt(hands: Hands, backend: Backend) -> Callable[[datetime], None]:
    def run(at: datetime) -> None:
        with hands.store.read() as work:
            found = ceilings(work, backend.name, at)
        failed: list[str] = []
        for device, amount in found:
            try:
                backend.keep_ceiling(device, amount)
            except Exception as error:  # noqa: BLE001  one device without its belt must not leave the others without
                failed.append(f"{device.name}: {error}")
        if failed:
            raise BackendError(f"{len(failed)} of {len(found)} limits are not set: {'; '.join(failed)[:300]}")

    return run


def _sweep(hands: Hands, backend: Backend) -> Callable[[datetime], None]:
    def run(at: datetime) -> None:
        sweep(hands.store, backend, at, patience=hands.settings.terms.result_patience)

    return run
