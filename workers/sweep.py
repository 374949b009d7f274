"""What does a vendor hold that bears our token and that nobody answers for? Found, stopped, and booked as our loss."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from backends.base import Phase
from backends.errors import BackendError, Busy, Unauthorized, UnknownJob
from broker.domain.alter import alter
from broker.domain.ids import TOKEN_PREFIX, RemoteId
from broker.domain.recovery import Recovery
from broker.domain.terms import Terms
from broker.services import orphans
from broker.store.faults import of_one_row

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import datetime, timedelta

    from backends.base import Backend, Snapshot
    from broker.domain.attempt import Attempt
    from broker.domain.money import Money
    from broker.domain.price import Usage
    from broker.store.unit_of_work import Store

log = logging.getLogger("qsubmit.sweep")
# How many given-up attempts are asked for by their token to learn where an orphan was sent.
MOST_ASKED = 100
RUNS = frozenset({Phase.QUEUED, Phase.RUNNING})
PATIENCE = Terms().result_patience


class Ended(NamedTuple):
    """An orphan that runs no more; ``overdue`` if it has been asked for long enough."""

    remote_id: RemoteId
    device: str | None
    snapshot: Snapshot
    overdue: bool


def sweep(store: Store, backend: Backend, at: datetime, *, patience: timedelta = PATIENCE) -> int:
    """Stop and note every orphan, and book those that have ended. Returns how many are not booked yet.

    One whose result cannot be read for ``patience`` is booked at its worst case.
    """
    devices = _strangers(store, backend)
    for remote_id, device in sorted(devices.items()):
        _alone(store, backend, remote_id, at, partial(_stop, store, backend, remote_id, device, at))
    return _settle(store, backend, at, patience)


def _stop(store: Store, backend: Backend, remote_id: str, device: str | None, at: datetime) -> None:
    # Noted first: one that cannot be cancelled costs the more, and must be counted and booked.
    new = orphans.note(store, backend.name, remote_id, device, at=at)
    backend.cancel(RemoteId(remote_id))
    if new:
        log.error("orphan cancelled", extra={"backend": backend.name, "remote_id": remote_id, "device": device})


def _alone(store: Store, backend: Backend, remote_id: str, at: datetime, act: Callable[[], None]) -> None:
    """One orphan that nobody can handle must not keep the others running."""
    try:
        act()
    except Exception as error:
        if not (isinstance(error, BackendError) or of_one_row(error)):
            raise
        said = f"{type(error).__name__}: {error}"[:300]
        log.warning("an orphan is left for the next sweep: %s", said, extra={"remote_id": remote_id})
        with store.write() as work:
            work.spoiled.note(f"sweep:{backend.name}", remote_id, said, at)


def _strangers(store: Store, backend: Backend) -> dict[str, str | None]:
    """Vendor jobs of ours that no attempt knows, with their device where an attempt can be found that left them.

    An attempt in doubt may own a job that it does not know yet: those are left to the reconciler.
    """
    listed: set[str] = set(backend.find(TOKEN_PREFIX))
    with store.read() as work:
        # In this order: an attempt that learns its id between the two looks is then known. The other way round it
        # would be in neither, and the sweep would cancel a good job.
        doubtful = work.attempts.unresolved(backend.name)
        disowned = work.attempts.disowned(backend.name)
        listed |= disowned.keys()
        strangers = listed - work.attempts.known(backend.name, sorted(listed))
        strangers -= work.orphans.noted(backend.name, settled=True).keys()
        abandoned = work.attempts.abandoned(backend.name, MOST_ASKED) if strangers - disowned.keys() else []
    for attempt in doubtful if strangers else ():
        strangers -= set(backend.find(attempt.token))
    devices = {remote_id: disowned.get(remote_id) for remote_id in strangers}
    for attempt in abandoned:
        if None not in devices.values():
            break
        landed = devices.keys() & set(backend.find(attempt.token))
        devices |= dict.fromkeys(landed, attempt.device)
        _witness(store, attempt, landed)
    return devices


def _witness(store: Store, attempt: Attempt, landed: Collection[str]) -> None:
    """The attempt was given up; what it left behind is written on it, so that its worst case stays known."""
    if landed:
        with store.write() as work:
            work.attempts.witness([alter(attempt, remote_id=RemoteId(min(landed)))])


def _settle(store: Store, backend: Backend, at: datetime, patience: timedelta) -> int:
    with store.read() as work:
        noted = work.orphans.noted(backend.name, settled=False)
        overdue = work.orphans.unbooked_since(backend.name, at - patience)
    snapshots = _polled(backend, [RemoteId(remote_id) for remote_id in noted]) if noted else {}
    for remote_id, device in noted.items():
        snapshot = snapshots.get(RemoteId(remote_id))
        if snapshot is not None and snapshot.phase not in RUNS:
            orphan = Ended(RemoteId(remote_id), device, snapshot, remote_id in overdue)
            _alone(store, backend, remote_id, at, partial(_settle_one, store, backend, orphan, at))
    with store.read() as work:
        return len(work.orphans.noted(backend.name, settled=False))


def _polled(backend: Backend, remote_ids: Sequence[RemoteId]) -> dict[RemoteId, Snapshot]:
    """What the vendor says of each; of one that it does not know, or says something odd about, nothing."""
    try:
        return dict(backend.poll(remote_ids))
    except (Busy, Unauthorized):
        raise
    except Exception as error:  # noqa: BLE001  whatever an adapter stumbles over may be about one of them
        if len(remote_ids) > 1:
            return {one: seen for each in remote_ids for one, seen in _polled(backend, [each]).items()}
        log.warning("nothing is known of an orphan: %s", error, extra={"remote_id": remote_ids[0]})
        return {}


def _settle_one(store: Store, backend: Backend, orphan: Ended, at: datetime) -> None:
    named = {"backend": backend.name, "remote_id": orphan.remote_id}
    if orphan.device is None:
        log.error("an orphan has ended whose device nobody knows: book its cost by hand", extra=named)
        return
    try:
        loss = _booked(store, backend, orphan, orphan.device, at)
    except LookupError:
        log.exception("nobody knows what an orphan cost at worst: book it by hand", extra=named)
    except BackendError as error:
        log.warning("cannot see what an orphan cost: %s", error, extra=named)
    else:
        log.error("orphan booked", extra=named | {"loss": str(loss)})


def _booked(store: Store, backend: Backend, orphan: Ended, device: str, at: datetime) -> Money | None:
    """What was booked; the worst case if the vendor says nothing of it any more, or only nonsense for too long."""
    try:
        usage = _usage(backend, orphan)
    except BackendError as error:
        if isinstance(error, UnknownJob) or orphan.overdue:
            return orphans.settle_at_worst(store, backend.name, orphan.remote_id, device, at=at)
        raise
    return orphans.settle(store, backend.name, orphan.remote_id, device, usage, at=at)


def _usage(backend: Backend, orphan: Ended) -> Usage | None:
    """What it consumed; None: nothing.

    Raises:
        UnknownJob: it may have run, and the vendor says nothing about it any more.
    """
    snapshot = orphan.snapshot
    if snapshot.phase is Phase.DONE:
        return _of_result(backend, orphan)
    if snapshot.usage is None and snapshot.phase is Phase.LOST and backend.recovery is not Recovery.RERUN:
        raise UnknownJob(f"{orphan.remote_id} is not known there any more")
    return snapshot.usage


def _of_result(backend: Backend, orphan: Ended) -> Usage:
    """Read although the status may say it: of a simulator it says the least alone (``Snapshot.usage``)."""
    try:
        return backend.fetch(orphan.remote_id).usage
    except BackendError as error:
        told, later = orphan.snapshot.usage, isinstance(error, Busy) and not orphan.overdue
        if told is None or later:
            raise
        return told
