"""How do we talk with one peer? Its routes, page by page, and its device list kept for a while."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from backends import storable
from backends.errors import Busy, OutcomeUnknown, UnknownJob
from backends.exchange import Reply, Unanswered, Unsent
from backends.peer import probes
from backends.peer.answers import creation_error, reading_error
from backends.peer.devices import Told, device_of, offered
from backends.peer.prices import PriceBook, utc_now
from backends.peer.specs import SpecsDesk
from backends.translation import in_time
from backends.transport import Transport
from broker.domain.device import Status
from broker.domain.ids import TOKEN_PREFIX
from broker.domain.program import Format

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from backends.base import Order
    from backends.peer.settings import Peer
    from broker.domain.device import Device
    from broker.domain.specs import Specs

PAGE = 200
# A million jobs of ours: a peer whose pages never end must not keep a worker for ever.
MOST_PAGES = 5_000
_FIGURES_LAST_S = 300.0
_FEW = 3
_WORTH = 20
_PATIENCE_S = 10.0
_MAX_REPLY_BYTES = 256 << 20


class Hub:
    """One peer. Reads may be repeated by the caller; a create is one request and no more."""

    def __init__(self, peer: Peer, *, timeout_s: float) -> None:
        self.name = peer.name
        self._timeout_s = timeout_s
        self._transport = Transport(peer.url, peer.key, agent="qsubmit-peer", max_reply_bytes=_MAX_REPLY_BYTES)
        self._book = PriceBook(peer.name, clock=utc_now)
        self._told: Mapping[str, Told] = {}
        self._told_end = 0.0
        self._seen: dict[str, Device] = {}
        self._specs = SpecsDesk(peer.name)
        self._looking = threading.Lock()

    def devices(self) -> Sequence[Device]:
        """What the peer opens to us; what it opened before and does not now is offline."""
        views = [view for view in self._read("/v1/devices")["devices"] if offered(view)]
        with self._looking:
            told = self._figures(views)
            now = {view["name"]: device_of(self.name, view, told[view["name"]], self._book) for view in views}
            gone = {name: replace(device, status=Status.OFFLINE) for name, device in self._seen.items()}
            self._seen = gone | now
            return list(self._seen.values())

    def gone(self) -> Sequence[Device]:
        """What a peer that does not answer offered before."""
        return [replace(device, status=Status.OFFLINE) for device in self._seen.values()]

    def device(self, name: str) -> Device | None:
        """One device by its name there, with the price that our list has of it."""
        if name not in self._seen:
            self.devices()
        return self._seen.get(name)

    def specs(self, device: Device) -> Specs | None:
        """What the peer says that one of its devices is made of."""
        return self._specs.of(device, self._transport)

    def create(self, order: Order) -> str:
        """The id of the job that the order became there.

        Raises:
            Busy, Refused, Unauthorized: nothing was accepted.
            OutcomeUnknown: it may have been.
        """
        body = json.dumps(request_of(order), separators=(",", ":")).encode()
        key = {"Idempotency-Key": order.token}
        try:
            reply = self._transport.ask("POST", "/v1/jobs", timeout_s=in_time(order), body=body, headers=key)
        except Unsent as trouble:
            raise Busy(f"{self.name}: {trouble}") from None
        except Unanswered as trouble:
            raise OutcomeUnknown(f"{self.name}: {trouble}") from None
        if reply.status not in (HTTPStatus.OK, HTTPStatus.ACCEPTED):
            raise creation_error(reply, order.device.vendor_id)
        job = (reply.document or {}).get("id")
        # It is written beside the hub's name (``HUB:JOB``), in a column and a path.
        if not isinstance(job, str) or storable.remote_id(f"{self.name}:{job}") is None:
            raise OutcomeUnknown(f"{self.name} answered {reply.status} without a job")
        return job

    def tagged(self, tag: str) -> Iterator[dict[str, Any]]:
        """Every job of ours with a tag, newest first, page by page as they are read."""
        cursor: str | None = None
        for _ in range(MOST_PAGES):
            query = {"tag": tag, "limit": str(PAGE)} | ({} if cursor is None else {"cursor": cursor})
            page = self._read(f"/v1/jobs?{urlencode(query)}")
            yield from page["jobs"]
            cursor = page["next_cursor"]
            if cursor is None:
                return
        raise Busy(f"{self.name}'s list of jobs has no end", retry_after=_PATIENCE_S)

    def look(self, jobs: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Those that the peer knows. Many are listed, while one in ``_WORTH`` listed is wanted; the rest is read."""
        wanted, found = set(jobs), dict[str, dict[str, Any]]()
        if len(wanted) > _FEW:
            for number, job in enumerate(self.tagged(TOKEN_PREFIX), start=1):
                if job["id"] in wanted:
                    found[job["id"]] = job
                if len(found) == len(wanted) or (number % PAGE == 0 and len(found) * _WORTH < number):
                    break
        for job_id in wanted - found.keys():
            known = self.job(job_id)
            if known is not None:
                found[job_id] = known
        return found

    def job(self, job_id: str) -> dict[str, Any] | None:
        """One job, or None where the peer knows none."""
        try:
            return self._read(_path(job_id))
        except UnknownJob:
            return None

    def result(self, job_id: str) -> str:
        """The text of a result document."""
        reply = self._reply("GET", _path(job_id, "/result"))
        self._document(reply)
        return reply.text

    def cancel(self, job_id: str) -> None:
        """Ask for the end of a job.

        Raises:
            Refused: it has ended.
            UnknownJob: the peer knows none.
        """
        self._reply("POST", _path(job_id, "/cancel"))

    def _figures(self, views: Sequence[Mapping[str, Any]]) -> Mapping[str, Told]:
        names = {view["name"] for view in views}
        if time.monotonic() >= self._told_end or not names <= self._told.keys():
            formats = {Format(word) for view in views for word in view["accepts"] if word in list(Format)}
            asked = {probe.name: self._quote(probe) for probe in probes.probes_for(formats)}
            self._told = {
                name: Told(answers={probe: said[name] for probe, said in asked.items() if name in said})
                for name in names
            }
            self._told_end = time.monotonic() + _FIGURES_LAST_S
        return self._told

    def _quote(self, probe: probes.Probe) -> dict[str, tuple[probes.Answer, str]]:
        body = json.dumps(probe.body()).encode()
        return probes.answers_of(self._document(self._reply("POST", "/v1/quotes", body=body)))

    def _read(self, path: str) -> dict[str, Any]:
        return self._document(self._reply("GET", path))

    def _reply(self, method: str, path: str, *, body: bytes | None = None) -> Reply:
        try:
            reply = self._transport.ask(method, path, timeout_s=self._timeout_s, body=body)
        except (Unsent, Unanswered) as trouble:
            raise Busy(f"{self.name}: {trouble}", retry_after=_PATIENCE_S) from None
        if reply.status != HTTPStatus.OK:
            raise reading_error(reply)
        return reply

    def _document(self, reply: Reply) -> dict[str, Any]:
        if reply.document is None:
            raise Busy(f"{self.name} answered no document", retry_after=_PATIENCE_S)
        return reply.document


def request_of(order: Order) -> dict[str, Any]:
    """The job that an order becomes.

    Out of the order alone, in a fixed order: sent again under its token it must be the same body, or it is refused.
    """
    request: dict[str, Any] = {
        "program": {"format": order.program.format.value, "source": order.program.source},
        "shots": order.shots,
        "points": [dict(sorted(point.items())) for point in order.points if point],
        "device": order.device.vendor_id,
        "tags": [order.token, TOKEN_PREFIX],
        "options": dict(sorted(order.options.items())),
    }
    return request | ({} if order.seed is None else {"seed": order.seed})


def _path(job_id: str, part: str = "") -> str:
    return f"/v1/jobs/{quote(job_id, safe='')}{part}"
