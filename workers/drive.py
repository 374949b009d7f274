"""What does a worker do when it looks? Claim, send, look, fetch and record, talking to vendors between transactions."""

from __future__ import annotations

import logging
from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from backends.base import Phase
from backends.errors import BackendError, Busy, Unauthorized, UnknownJob, UnknownStatus
from broker.crash import crashpoint
from broker.domain.alter import alter
from broker.domain.change import Change, let_go, look_again
from broker.domain.lifecycle import AT_VENDOR, TERMINAL, JobState
from broker.domain.recovery import Recovery
from broker.services.claim import Claim, claim
from broker.services.failover import Failover
from broker.services.last_look import LastLook
from broker.services.settle import Tariff
from broker.store.catalogue import REFUSED_CREDENTIALS
from workers.look import Look, collected, fetch, noted
from workers.orders import Orders
from workers.reconcile import Doubt, settle_doubt
from workers.record import record
from workers.send import Sending, reaction, send

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from backends.base import Backend, Snapshot
    from broker.domain.attempt import Attempt
    from broker.domain.device import Device
    from broker.domain.ids import RemoteId
    from broker.domain.job import Job
    from broker.domain.terms import Terms
    from broker.store.unit_of_work import Store
    from workers.send import Reply

log = logging.getLogger("qsubmit.drive")
SLICE_S = 0.05  # how long a tick waits for a whole batch before it writes down those that have ended


@runtime_checkable
class Waiter(Protocol):
    """A backend that can say at once when a run has ended."""

    def wait(self, remote_ids: Sequence[RemoteId], timeout_s: float, *, need: int = 1) -> Mapping[RemoteId, Snapshot]:
        """Return when ``need`` of them have ended, or after ``timeout_s``."""


class Driver:
    """Drives the jobs of the backends it is given; any number of drivers may run at once."""

    def __init__(
        self,
        *,
        store: Store,
        backends: Mapping[str, Backend],
        owner: str,
        terms: Terms,
        clock: Callable[[], datetime],
        devices: Callable[[], Mapping[str, Device]],
    ) -> None:
        self._store = store
        self._backends = backends
        self._owner = owner
        self._terms = terms
        self._clock = clock
        self._devices = devices
        self._orders = Orders(store)
        self._tariff = Tariff(store)
        self._failover = Failover(store)
        self._last_look = LastLook(store, clock)

    def tick(self, rung: Sequence[str] = ()) -> int:
        """Take what is due and drive it as far as it goes now. Returns how many jobs were taken."""
        room = {name: device.concurrency for name, device in self._devices().items()}
        terms = Claim(
            owner=self._owner,
            backends=tuple(self._backends),
            lease=self._terms.lease,
            limit=self._terms.batch,
            room=room,
        )
        claimed = claim(self._store, terms, at=self._clock(), rung=rung)
        for name, begun in _by_backend(claimed.begun).items():
            self._start(self._backends[name], begun)
        for name, due in _by_backend(claimed.due).items():
            self._continue(self._backends[name], due)
        return len(claimed.begun) + len(claimed.due)

    # -- new attempts --------------------------------------------------------------------------------------------

    def _start(self, backend: Backend, begun: Sequence[tuple[Job, Attempt]]) -> None:
        self._orders.read([job for job, _ in begun])
        devices = self._devices()
        batch = [
            Sending(job=job, attempt=attempt, order=self._orders.order(job, attempt, devices[job.device]))
            for job, attempt in begun
        ]
        replies = send(backend, batch, terms=self._terms, clock=self._clock, ask=self._last_look)
        changes = self._reactions(backend, batch, replies)
        refused = [change for change in changes if change.job.state is JobState.FAILED]
        taken = [change for change in changes if change.job.state is not JobState.FAILED]
        if backend.recovery is Recovery.RERUN:
            taken = self._stay(backend, taken)
        self._record(taken, "record")
        # After the others: what asks the database again must not come between a reply and its record.
        before = {job.id: job for job, _ in begun}
        self._record([self._second_offer(before[change.job.id], change) for change in refused], "record")
        if any(isinstance(reply, Unauthorized) for reply in replies):
            self._pause(backend.name)

    def _reactions(self, backend: Backend, batch: Sequence[Sending], replies: Sequence[Reply]) -> list[Change]:
        at, floor = self._clock(), timedelta(seconds=backend.poll_floor_s)
        return [
            reaction(each, reply, recovery=backend.recovery, at=at, floor=floor, terms=self._terms)
            for each, reply in zip(batch, replies, strict=True)
        ]

    def _second_offer(self, before: Job, change: Change) -> Change:
        return self._failover.second_offer(before, change, at=self._clock())

    def _stay(self, backend: Backend, changes: list[Change]) -> list[Change]:
        # A local run that ends within the tick is recorded once, with its end. If we die before, its attempt has no
        # remote id and the job is run again: free, and the rule of the rerun class anyway.
        kept = [c for c in changes if c.job.state is not JobState.SUBMITTED]
        pending = {
            remote: c for c in changes if c.job.state is JobState.SUBMITTED and (remote := c.job.remote_id) is not None
        }
        until = self._clock() + self._terms.stay
        while pending and self._clock() < until:
            if isinstance(backend, Waiter):
                left = (until - self._clock()).total_seconds()
                backend.wait(list(pending), min(left, SLICE_S), need=len(pending))
            done = self._finished(backend, pending)
            # By the attempt's id: a job whose run was lost has let go of its own.
            ended = [(r, c) for c in done if c.attempt is not None and (r := c.attempt.remote_id) is not None]
            self._record([pending_then(pending.pop(remote_id), c) for remote_id, c in ended], "settle")
            if not isinstance(backend, Waiter):
                break
        return [*kept, *(alter(c, job=let_go(c.job)) for c in pending.values())]

    def _finished(self, backend: Backend, pending: Mapping[RemoteId, Change]) -> list[Change]:
        pairs = [(c.job, c.attempt) for c in pending.values() if c.attempt is not None]
        changes = self._looks(backend, pairs)
        return [c for c in changes if c.job.state not in (JobState.SUBMITTED, JobState.RUNNING)]

    # -- jobs that were sent -------------------------------------------------------------------------------------

    def _continue(self, backend: Backend, due: Sequence[tuple[Job, Attempt]]) -> None:
        at_vendor = [(job, attempt) for job, attempt in due if job.state in AT_VENDOR]
        doubtful = [(job, attempt) for job, attempt in due if job.state not in AT_VENDOR]
        changes = self._looks(backend, self._cancel(backend, at_vendor))
        self._record(changes, "settle" if any(c.job.state in TERMINAL for c in changes) else "poll")
        for job, attempt in doubtful:
            self._record([self._settle_doubt(backend, job, attempt)], "reconcile")

    def _cancel(self, backend: Backend, pairs: Sequence[tuple[Job, Attempt]]) -> Sequence[tuple[Job, Attempt]]:
        for job, _ in pairs:
            if job.cancel_requested and job.remote_id is not None and job.state is not JobState.FETCHING:
                crashpoint("cancel.before_send")
                try:
                    backend.cancel(job.remote_id)
                except BackendError as error:
                    log.warning("cancel failed", extra={"job": job.id, "error": str(error)})
                crashpoint("cancel.after_send")
        return pairs

    def _looks(self, backend: Backend, pairs: Sequence[tuple[Job, Attempt]]) -> list[Change]:
        if not pairs:
            return []
        try:
            seen = self._poll(backend, [job.remote_id for job, _ in pairs if job.remote_id is not None])
        except (UnknownStatus, UnknownJob) as error:
            # One job of which the vendor says what we do not understand must not hide what it says of the others.
            if len(pairs) > 1:
                return [change for pair in pairs for change in self._looks(backend, [pair])]
            return self._blocked(backend, pairs, error)
        except BackendError as error:
            return self._blocked(backend, pairs, error)
        patience = self._terms.result_patience
        look = Look(backend=backend, tariff=self._tariff, at=self._clock(), patience=patience)
        done = [(j, a) for j, a in pairs if j.remote_id is not None and seen[j.remote_id].phase is Phase.DONE]
        fetched = fetch(backend, [j.remote_id for j, _ in done if j.remote_id is not None]) if done else {}
        changes = []
        for job, attempt in pairs:
            snapshot = seen[_remote(job)]
            if snapshot.phase is Phase.DONE:
                got, need = fetched[_remote(job)], self._orders.requirement(job)
                changes.append(collected(job, attempt, got, need, look, seen=snapshot))
            else:
                changes.append(noted(job, attempt, snapshot, look))
        return changes

    def _poll(self, backend: Backend, remote_ids: Sequence[RemoteId]) -> Mapping[RemoteId, Snapshot]:
        crashpoint("poll.before")
        try:
            seen = backend.poll(remote_ids)
        except BackendError:
            raise
        except Exception as error:
            raise BackendError(f"{type(error).__name__}: {error}") from error
        crashpoint("poll.after")
        missing = set(remote_ids) - seen.keys()
        if missing:
            raise UnknownJob(f"{backend.name} said nothing about {len(missing)} of {len(remote_ids)} jobs")
        return seen

    def _blocked(self, backend: Backend, pairs: Sequence[tuple[Job, Attempt]], error: BackendError) -> list[Change]:
        level = logging.ERROR if isinstance(error, (Unauthorized, UnknownStatus)) else logging.WARNING
        log.log(level, "cannot look at %s: %s", backend.name, error)
        if isinstance(error, Unauthorized):
            self._pause(backend.name)
        wait = timedelta(seconds=error.retry_after) if isinstance(error, Busy) else self._terms.send_timeout
        later = self._clock() + wait
        return [look_again(job, at=later, attempt=alter(attempt, detail=str(error))) for job, attempt in pairs]

    def _settle_doubt(self, backend: Backend, job: Job, attempt: Attempt) -> Change:
        with self._store.read() as work:
            allowed = bool(work.people.may_resubmit((job.project,)))
        device = self._devices().get(job.device)
        if device is None:
            later = self._clock() + self._terms.pause
            return look_again(job, at=later, attempt=alter(attempt, detail=f"{job.device} is not known any more"))
        simulates = device.kind.value == "simulator"
        doubt = Doubt(job=job, attempt=attempt, may_resubmit=allowed or simulates, ask=self._last_look)
        order = self._orders.order(job, attempt, device)
        settled = settle_doubt(doubt, backend, order, at=self._clock(), terms=self._terms)
        return self._second_offer(job, settled)

    def _record(self, changes: Sequence[Change], scene: str) -> None:
        record(self._store, changes, clock=self._clock, patience=self._terms.send_timeout, scene=scene)

    def _pause(self, backend: str) -> None:
        at = self._clock()
        log.error("%s refuses our credentials; paused", backend)
        with self._store.write() as work:
            work.catalogue.pause(backend, REFUSED_CREDENTIALS, at, at + self._terms.pause)


def pending_then(first: Change, second: Change) -> Change:
    """One change for two that follow each other."""
    return alter(second, moves=(*first.moves, *second.moves), begins=first.begins)


def _remote(job: Job) -> RemoteId:
    if job.remote_id is None:
        raise LookupError(f"job {job.id} is {job.state} without a vendor id")
    return job.remote_id


def _by_backend(pairs: Iterable[tuple[Job, Attempt]]) -> dict[str, list[tuple[Job, Attempt]]]:
    grouped: dict[str, list[tuple[Job, Attempt]]] = defaultdict(list)
    for job, attempt in pairs:
        grouped[job.backend].append((job, attempt))
    return grouped
