"""What does a vendor hold that bears our token and that nobody answers for? Found, stopped, and booked as our loss."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from backends.base import Phase
from backends.errors import BackendError, Busy, Unauthorized
from broker.domain.ids import TOKEN_PREFIX, RemoteId
from broker.services import orphans
from broker.store.faults import of_one_row

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from backends.base import Backend, Snapshot
    from broker.domain.price import Usage
    from broker.store.unit_of_work import Store

log = logging.getLogger("qsubmit.sweep")
# How many given-up attempts are asked for by their token to learn where an orphan was sent.
MOST_ASKED = 100
RUNS = frozenset({Phase.QUEUED, Phase.RUNNING})


def sweep(store: Store, backend: Backend, at: datetime) -> int:
    """Stop and note every orphan, and book those that have ended. Returns how many are not booked yet."""
    devices = _strangers(store, backend)
    for remote_id, device in sorted(devices.items()):
        _alone(store, backend, remote_id, at, partial(_stop, store, backend, remote_id, device, at))
    return _settle(store, backend, at)


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
        devices |= dict.fromkeys(devices.keys() & set(backend.find(attempt.token)), attempt.device)
    return devices


def _settle(store: Store, backend: Backend, at: datetime) -> int:
    with store.read() as work:
        noted = work.orphans.noted(backend.name, settled=False)
    snapshots = _polled(backend, [RemoteId(remote_id) for remote_id in noted]) if noted else {}
    for remote_id, device in noted.items():
        book = partial(_settle_one, store, backend, snapshots, (RemoteId(remote_id), device), at)
        _alone(store, backend, remote_id, at, book)
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


def _settle_one(
    store: Store,
    backend: Backend,
    snapshots: Mapping[RemoteId, Snapshot],
    orphan: tuple[RemoteId, str | None],
    at: datetime,
) -> None:
    remote_id, device = orphan
    snapshot = snapshots.get(remote_id)
    if snapshot is None or snapshot.phase in RUNS:
        return
    if device is None:
        log.error(
            "an orphan has ended whose device nobody knows: book its cost by hand",
            extra={"backend": backend.name, "remote_id": remote_id},
        )
        return
    try:
        usage = _usage(backend, remote_id, snapshot)
    except BackendError as error:
        log.warning("cannot see what an orphan cost: %s", error, extra={"remote_id": remote_id})
        return
    loss = orphans.settle(store, backend.name, remote_id, device, usage, at=at)
    log.error("orphan booked", extra={"backend": backend.name, "remote_id": remote_id, "loss": str(loss)})


def _usage(backend: Backend, remote_id: RemoteId, snapshot: Snapshot) -> Usage | None:
    return backend.fetch(remote_id).usage if snapshot.phase is Phase.DONE else snapshot.usage
