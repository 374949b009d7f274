"""What does a worker do when it looks? Claim, send, look, fetch and record, talking to vendors between transactions."""

from __future__ import annotations

import logging
from collections import defaultdict
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from backends.base import Phase
from backends.errors import BackendError, Busy, Unauthorized, UnknownJob, UnknownStatus
from broker.crash import crashpoint
from broker.domain.alter import alter
from broker.domain.backoff import FLOOR, asked_within
from broker.domain.change import Change, let_go, look_again
from broker.domain.eta import next_poll
from broker.domain.lifecycle import AT_VENDOR, TERMINAL, JobState
from broker.domain.recovery import Recovery
from broker.services.claim import claim
from broker.services.failover import Failover
from broker.services.last_look import LastLook
from broker.services.settle import Tariff
from broker.store.catalogue import REFUSED_CREDENTIALS
from broker.store.faults import OF_ONE_ROW, of_one_row
from workers.claims import Claims
from workers.look import Look, Odd, collected, fetch, noted, poll, stranded
from workers.orders import Orders
from workers.reconcile import Doubt, settle_doubt
from workers.record import record
from workers.send import Sending, reaction, send
from workers.stumble import looked_at_later, not_sent, note, one_by_one
from workers.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from backends.base import Backend
    from broker.domain.attempt import Attempt
    from broker.domain.device import Device
    from broker.domain.ids import RemoteId
    from broker.domain.job import Job
    from broker.domain.terms import Terms
    from broker.store.unit_of_work import Store
    from workers.heart import Heart
    from workers.send import Reply

    Act = Callable[[Backend, Sequence[tuple[Job, Attempt]]], None]

log = logging.getLogger("qsubmit.drive")
SLICE_S = 0.05  # how long a tick waits for a whole batch before it writes down those that have ended


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
        heart: Heart | None = None,
    ) -> None:
        self._store = store
        self._backends = backends
        self._terms = terms
        self._clock = clock
        self._devices = devices
        self._claims = Claims(owner=owner, backends=backends, terms=terms, devices=devices, heart=heart)
        self._host = None if heart is None else heart.host
        self._orders = Orders(store)
        self._tariff = Tariff(store)
        self._failover = Failover(store)
        self._last_look = LastLook(store, clock)
        self._watch = Watch(store)

    def tick(self, rung: Sequence[str] = ()) -> int:
        """Take what is due and drive it as far as it goes now. Returns how many jobs were taken."""
        at = self._clock()
        claimed = claim(self._store, self._claims.at(at), at=at, rung=rung)
        for name, begun in _by_backend(claimed.begun).items():
            self._apart(self._start, self._backends[name], begun)
        for name, due in _by_backend(claimed.due).items():
            self._apart(self._continue, self._backends[name], due)
        return len(claimed.begun) + len(claimed.due)

    @staticmethod
    def _apart(act: Act, backend: Backend, pairs: Sequence[tuple[Job, Attempt]]) -> None:
        """What goes wrong with one backend must not keep the others' jobs from their turn."""
        try:
            act(backend, pairs)
        except Exception as error:
            if not of_one_row(error):
                raise
            log.exception("the rest of this look at %s is lost", backend.name)

    # -- new attempts --------------------------------------------------------------------------------------------

    def _start(self, backend: Backend, begun: Sequence[tuple[Job, Attempt]]) -> None:
        batch = self._sendings(begun)
        replies = send(backend, batch, terms=self._terms, clock=self._clock, ask=self._last_look) if batch else []
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
        if backend.recovery is not Recovery.RERUN:
            self._watch.heard(batch, replies, at=self._clock())

    def _sendings(self, begun: Sequence[tuple[Job, Attempt]]) -> list[Sending]:
        self._orders.read([job for job, _ in begun])
        devices, at = self._devices(), self._clock()
        batch, spoiled = [], []
        for job, attempt in begun:
            try:
                order = self._orders.order(job, attempt, devices[job.device])
            except OF_ONE_ROW as error:
                spoiled.append(not_sent(self._store, job, attempt, error, at=at, pause=self._terms.pause))
            else:
                batch.append(Sending(job=job, attempt=attempt, order=order))
        # Before anything is sent: nothing was, for these, and that must not wait for a slow vendor.
        self._record(spoiled, "record")
        return batch

    def _reactions(self, backend: Backend, batch: Sequence[Sending], replies: Sequence[Reply]) -> list[Change]:
        at, floor = self._clock(), timedelta(seconds=backend.poll_floor_s)
        return [
            reaction(each, reply, recovery=backend.recovery, at=at, floor=floor, terms=self._terms)
            for each, reply in zip(batch, replies, strict=True)
        ]

    def _second_offer(self, before: Job, change: Change) -> Change:
        try:
            return self._failover.second_offer(before, change, at=self._clock())
        except OF_ONE_ROW as error:
            note(self._store, "failover", before, error, self._clock())
            return change  # refused it was, whoever might have been next

    def _stay(self, backend: Backend, changes: list[Change]) -> list[Change]:
        # A local run that ends within the tick is recorded once, with its end. If we die before, its attempt has no
        # remote id and the job is run again: free, and the rule of the rerun class anyway.
        kept = [c for c in changes if c.job.state is not JobState.SUBMITTED]
        pending = {
            remote: c for c in changes if c.job.state is JobState.SUBMITTED and (remote := c.job.remote_id) is not None
        }
        until = self._clock() + self._terms.stay
        while pending and self._clock() < until:
            if backend.tells_ends:
                left = (until - self._clock()).total_seconds()
                backend.wait(list(pending), min(left, SLICE_S), need=len(pending))
            done = self._finished(backend, pending)
            # By the attempt's id: a job whose run was lost has let go of its own.
            ended = [(r, c) for c in done if c.attempt is not None and (r := c.attempt.remote_id) is not None]
            self._record([pending_then(pending.pop(remote_id), c) for remote_id, c in ended], "settle")
            if not backend.tells_ends:
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
        for pair in doubtful:
            settle = partial(self._settle_doubt, backend)
            later = looked_at_later(self._store, "reconcile", self._clock())
            self._record(one_by_one([pair], settle, later), "reconcile")

    def _cancel(self, backend: Backend, pairs: Sequence[tuple[Job, Attempt]]) -> Sequence[tuple[Job, Attempt]]:
        for job, _ in pairs:
            if stranded(job, self._host) or job.remote_id is None:
                continue
            if job.cancel_requested and job.state is not JobState.FETCHING:
                crashpoint("cancel.before_send")
                try:
                    backend.cancel(job.remote_id)
                except Exception as error:  # noqa: BLE001  the look that follows tells whether it had any effect
                    log.warning("cancel failed", extra={"job": job.id, "error": str(error)})
                crashpoint("cancel.after_send")
        return pairs

    def _looks(self, backend: Backend, pairs: Sequence[tuple[Job, Attempt]]) -> list[Change]:
        if not pairs:
            return []
        try:
            seen = poll(backend, [job for job, _ in pairs], self._host)
        except (Odd, UnknownStatus, UnknownJob) as error:
            # One job of which the vendor says what we do not understand must not hide what it says of the others.
            if len(pairs) > 1:
                return [change for pair in pairs for change in self._looks(backend, [pair])]
            return self._blocked(backend, pairs, error)
        except BackendError as error:
            return self._blocked(backend, pairs, error)
        patience = self._terms.result_patience
        look = Look(backend=backend, tariff=self._tariff, at=self._clock(), patience=patience)
        ended = [j.remote_id for j, _ in pairs if j.remote_id is not None and seen[j.remote_id].phase is Phase.DONE]
        fetched = fetch(backend, ended) if ended else {}

        def judge(job: Job, attempt: Attempt) -> Change:
            snapshot = seen[_remote(job)]
            if snapshot.phase is not Phase.DONE:
                return noted(job, attempt, snapshot, look)
            need = self._orders.requirement(job)
            return collected(job, attempt, fetched[_remote(job)], need, look, seen=snapshot)

        return one_by_one(pairs, judge, looked_at_later(self._store, "look", look.at))

    def _blocked(self, backend: Backend, pairs: Sequence[tuple[Job, Attempt]], error: BackendError) -> list[Change]:
        level = logging.ERROR if isinstance(error, (Unauthorized, UnknownStatus)) else logging.WARNING
        log.log(level, "cannot look at %s: %s", backend.name, error)
        if isinstance(error, Unauthorized):
            self._pause(backend.name)
        asked = asked_within(error.retry_after) if isinstance(error, Busy) else self._terms.send_timeout
        at, floor = self._clock(), max(asked, FLOOR)
        # The older a job, the longer until the next look: a vendor that is away for a day is not asked every second.
        return [
            look_again(
                job,
                at=at + next_poll(at - attempt.intent_at, None, floor),
                attempt=alter(attempt, detail=str(error)),
            )
            for job, attempt in pairs
        ]

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
