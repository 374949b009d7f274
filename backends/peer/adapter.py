"""How does the broker use another hub? The six verbs over our own HTTP interface, for every configured peer."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from backends import storable
from backends.base import USUAL_SEND_S, Backend, Order, Outcome, Phase, Recovery, Snapshot
from backends.errors import BackendError, Busy, Refused, UnknownJob
from backends.outcome_check import documented, usage
from backends.peer.devices import NAME
from backends.peer.hub import Hub
from backends.peer.prices import usage_of
from backends.peer.results import outcome_of
from backends.peer.settings import settings_from
from backends.peer.status import phase_of
from broker.domain.ids import TOKEN_PREFIX, RemoteId

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from backends.peer.settings import Peer
    from broker.domain.device import Device
    from broker.domain.specs import Specs

_WHOLE = len(TOKEN_PREFIX) + 36
_UNHEARD = "unheard"


def backend(*, data: Path, environ: Mapping[str, str]) -> PeerBackend | None:  # noqa: ARG001  one signature for all
    """The adapter for the peers that the environment configures, or None."""
    peers = settings_from(environ)
    return PeerBackend(peers) if peers else None


class PeerBackend(Backend):
    """Token class: the token is the Idempotency-Key of the create, and a tag by which the job is found.

    A remote id is ``HUB:JOB``. One peer that is away must not keep the jobs of the others waiting.
    """

    name = NAME
    recovery = Recovery.TOKEN
    poll_floor_s = 1.0

    def __init__(self, peers: Sequence[Peer], *, timeout_s: float = USUAL_SEND_S) -> None:
        self._hubs = {peer.name: Hub(peer, timeout_s=timeout_s) for peer in peers}

    def devices(self) -> Sequence[Device]:
        """The devices of every peer; those of one that does not answer are offline."""
        found: list[Device] = []
        troubles: list[BackendError] = []
        for hub in self._hubs.values():
            try:
                found += hub.devices()
            except BackendError as trouble:
                troubles.append(trouble)
                found += hub.gone()
        if len(troubles) == len(self._hubs):
            raise troubles[0]
        return found

    def specs(self, device: Device) -> Specs | None:
        """What the peer says of its own, under our name for it."""
        hub = self._hubs.get(dict(device.extra).get("hub", ""))
        return None if hub is None else hub.specs(device)

    def submit(self, order: Order) -> RemoteId:
        """One POST under the order's token."""
        hub = self._hub(dict(order.device.extra).get("hub", ""))
        return _remote_id(hub, hub.create(order))

    def find(self, token: str) -> Sequence[RemoteId]:
        """By the exact tag where the token is whole, else among all jobs of ours.

        A token goes to one peer only: found at one, it does not matter that another is away. An absence is none until
        every peer has said so.
        """
        whole = token.startswith(TOKEN_PREFIX) and len(token) == _WHOLE
        found: list[RemoteId] = []
        troubles: list[BackendError] = []
        for name, hub in self._hubs.items():
            try:
                with documented(name):
                    jobs = hub.tagged(token if whole else TOKEN_PREFIX)
                    found += [_remote_id(hub, job["id"]) for job in jobs if _bears(job, token)]
            except BackendError as trouble:
                troubles.append(trouble)
        if troubles and not (whole and found):
            raise troubles[0]
        return found

    def poll(self, remote_ids: Sequence[RemoteId]) -> Mapping[RemoteId, Snapshot]:
        """One listing for many; the jobs of a peer that does not answer stay where they are."""
        seen: dict[RemoteId, Snapshot] = {}
        troubles: list[BackendError] = []
        groups = _by_hub(remote_ids)
        for name, jobs in groups.items():
            try:
                with documented(name):
                    seen |= self._looks(self._hub(name), jobs)
            except BackendError as trouble:
                troubles.append(trouble)
                waiting = Snapshot(phase=Phase.QUEUED, word=_UNHEARD, message=str(trouble))
                seen |= {RemoteId(f"{name}:{job}"): waiting for job in jobs}
        if groups and len(troubles) == len(groups):
            raise troubles[0]
        return seen

    def fetch(self, remote_id: RemoteId) -> Outcome:
        """The result of a finished job.

        Raises:
            UnknownJob: the peer has no such job.
            Busy: the job is still live.
            Refused: it ended without a result.
        """
        hub, job_id = self._address(remote_id)
        job = hub.job(job_id)
        if job is None:
            raise UnknownJob(f"{hub.name} knows no job {job_id}")
        with documented(hub.name):
            phase = phase_of(job["state"])
            if phase in (Phase.QUEUED, Phase.RUNNING):
                raise Busy(f"the job is {job['state']}", retry_after=self.poll_floor_s)
            if phase is not Phase.DONE:
                raise Refused(f"the job ended as {job['state']} without a result: {_why(job)}")
            return outcome_of(job, hub.result(job_id), hub.device(job["device"]))

    def cancel(self, remote_id: RemoteId) -> None:
        """Ask; a job that has ended or is unknown answers 4xx."""
        hub, job_id = self._address(remote_id)
        try:
            hub.cancel(job_id)
        except (Refused, UnknownJob):
            return

    def close(self) -> None:
        """Nothing to let go of: no connection outlives its request."""

    def __repr__(self) -> str:
        return f"PeerBackend({', '.join(self._hubs)})"

    def _hub(self, name: str) -> Hub:
        hub = self._hubs.get(name)
        if hub is None:
            # Its jobs may run there and cost: an operator who forgot a setting must not lose them.
            raise Busy(f"no peer {name!r} is configured", retry_after=60.0)
        return hub

    def _address(self, remote_id: RemoteId) -> tuple[Hub, str]:
        name, _, job_id = remote_id.partition(":")
        return self._hub(name), job_id

    def _looks(self, hub: Hub, jobs: Sequence[str]) -> dict[RemoteId, Snapshot]:
        found = hub.look(jobs)
        lost = Snapshot(phase=Phase.LOST, word="", message=f"{hub.name} knows no such job")
        return {_remote_id(hub, job): _snapshot(hub, found[job]) if job in found else lost for job in jobs}


def _snapshot(hub: Hub, job: Mapping[str, Any]) -> Snapshot:
    phase = phase_of(job["state"])
    position = (job["attempt"] or {}).get("queue_position") if phase is Phase.QUEUED else None
    return Snapshot(
        phase=phase,
        word=storable.text(job["state"], storable.MAX_NAME),
        queue_position=storable.place(position),
        message=storable.text(_why(job)),
        usage=usage(usage_of(job, hub.device(job["device"]))) if _is_billed(job, phase) else None,
    )


def _is_billed(job: Mapping[str, Any], phase: Phase) -> bool:
    """A finished job is billed as soon as its charge is known, one that was stopped where it was charged at all."""
    charged = job["cost"]["charged"]
    if phase is Phase.DONE:
        return charged is not None
    return phase in (Phase.FAILED, Phase.CANCELLED) and charged not in (None, "0")


def _why(job: Mapping[str, Any]) -> str:
    """The peer's error, or the reason of its last move."""
    if job["error"]:
        return str(job["error"]["message"])
    return str(job["timeline"][-1]["reason"]) if job["timeline"] else ""


def _bears(job: Mapping[str, Any], token: str) -> bool:
    """By a tag of the job; the family's own tag is none."""
    return any(tag.startswith(token) for tag in job["tags"] if tag != TOKEN_PREFIX)


def _remote_id(hub: Hub, job_id: str) -> RemoteId:
    return RemoteId(f"{hub.name}:{job_id}")


def _by_hub(remote_ids: Sequence[RemoteId]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = defaultdict(list)
    for remote_id in remote_ids:
        name, _, job_id = remote_id.partition(":")
        groups[name].append(job_id)
    return groups
