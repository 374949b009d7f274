"""How does the broker use Quandela? The six verbs over its HTTP interface; Perceval stays in a child process."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from uuid import uuid4

from backends import storable
from backends.base import Backend, Order, Outcome, Phase, Recovery, Snapshot
from backends.child import Child, ChildError, ChildKilled
from backends.errors import BackendError, Busy, OutcomeUnknown, Refused, UnknownJob, Unreadable
from backends.exchange import Reply, Unanswered, Unsent
from backends.outcome_check import documented
from backends.quandela import answers, desk, naming
from backends.quandela.devices import NAME, devices_of
from backends.quandela.outcomes import outcome_of, usage_of
from backends.quandela.request import create_request
from backends.quandela.settings import settings_from
from backends.quandela.specs import specs_of
from backends.quandela.status import phase_of
from backends.translation import Untrue, called, in_time, unasked
from backends.transport import Transport
from broker.domain.device import Device
from broker.domain.ids import RemoteId

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from backends.quandela.settings import Settings
    from broker.domain.specs import Specs

READ_TIMEOUT_S = 15.0
_LOOKS_AT_ONCE = 8
_LONGEST_MESSAGE = 1000
_HTTP_OK = 200


def backend(*, data: Path, environ: Mapping[str, str]) -> QuandelaBackend | None:  # noqa: ARG001  one signature for all
    """The adapter that the environment configures, or None."""
    settings = settings_from(environ)
    return QuandelaBackend(settings) if settings else None


class QuandelaBackend(Backend):
    """Blind: the vendor takes no idempotency token and lists no jobs, so an unknown outcome waits for an operator."""

    name = NAME
    recovery = Recovery.BLIND
    poll_floor_s = 1.0

    def __init__(self, settings: Settings, *, child: Child | None = None) -> None:
        self._settings = settings
        self._transport = Transport(settings.url, settings.token, agent="qsubmit")
        self._process = str(uuid4())
        self._details: dict[str, Mapping[str, Any]] = {}
        self._lent = child is not None
        self._desk = child or Child(desk.TARGET, desk.LIMITS)

    def devices(self) -> Sequence[Device]:
        """Every configured platform that the vendor knows."""
        return [device for name in self._settings.platforms for device in self._offered(name)]

    def specs(self, device: Device) -> Specs | None:
        """Out of the details that came with the list of devices."""
        details = self._details.get(device.vendor_id)
        return None if details is None else specs_of(device, details)

    def submit(self, order: Order) -> RemoteId:
        """One POST; what takes time before it is done first, and none is sent when too little time is left."""
        with unasked():
            body = self._composed(order)
        return self._create(body, in_time(order))

    def find(self, token: str) -> Sequence[RemoteId]:  # noqa: ARG002  the vendor lists nothing
        """Nothing, which proves nothing."""
        return []

    def poll(self, remote_ids: Sequence[RemoteId]) -> Mapping[RemoteId, Snapshot]:
        """One look each, several at a time: the vendor has no route for many."""
        if not remote_ids:
            return {}
        with ThreadPoolExecutor(min(len(remote_ids), _LOOKS_AT_ONCE)) as looks:
            return dict(zip(remote_ids, looks.map(self._look, remote_ids), strict=True))

    def fetch(self, remote_id: RemoteId) -> Outcome:
        """The result, with what the job's own name says about how to read it."""
        result = self._known(self._get(_job(remote_id, "result")), remote_id)
        record = self._known(self._get(_job(remote_id, "data")), remote_id)
        text = result.get("results")
        if not isinstance(text, str) or not text:
            raise self._absence(remote_id)
        name = naming.parse(str(record.get("job_name")))
        with documented("quandela"):
            return outcome_of(self._read(text, name), result, record, shots=name.shots if name else None)

    def cancel(self, remote_id: RemoteId) -> None:
        """Ask; a job that has ended or is unknown answers 400 or 404."""
        reply = self._ask("POST", _job(remote_id, "cancel"))
        if reply.status != _HTTP_OK and not answers.is_over(reply):
            raise answers.reading_error(reply)

    def close(self) -> None:
        """End the child process, if it is ours."""
        if not self._lent:
            self._desk.close()

    def __repr__(self) -> str:
        return f"QuandelaBackend({self._settings.url})"

    def _offered(self, platform: str) -> Sequence[Device]:
        reply = self._get(f"/api/platforms/{quote(platform, safe='')}/processor")
        if reply.status in (403, 404) and answers.is_own(reply):
            return []
        max_run_ms, details = self._settings.max_duration_s * 1000, _fine(reply)
        self._details[platform] = details
        return devices_of(details, sandbox=self._settings.sandbox, max_run_ms=max_run_ms)

    def _composed(self, order: Order) -> dict[str, Any]:
        bound = self._settings.max_duration_s
        try:
            desk = partial(called, self._desk.call, order=order)
            return create_request(order, desk, max_duration_s=bound, process=self._process)
        except ChildError as error:
            code = error.code or "program_invalid"
            raise Refused(
                error.message, code=code, line=error.line, column=error.column, pointer=error.pointer
            ) from None
        except ChildKilled as error:
            code = "program_invalid" if error.reason == "crash" else "limit_exceeded"
            raise Refused(f"translating the program: {error}", code=code) from None
        except Untrue:
            self._desk.close()
            raise

    def _create(self, request: dict[str, Any], timeout_s: float) -> RemoteId:
        body = json.dumps(request, separators=(",", ":")).encode()
        try:
            reply = self._transport.ask("POST", "/api/jobs", timeout_s=timeout_s, body=body)
        except Unsent as error:
            raise Busy(f"quandela: {error}; nothing was sent") from None
        except Unanswered as error:
            raise OutcomeUnknown(f"quandela: {error}") from None
        job_id = storable.remote_id((reply.document or {}).get("job_id"))
        if reply.status == _HTTP_OK and job_id:
            return RemoteId(job_id)
        raise answers.creation_error(reply)

    def _look(self, remote_id: RemoteId) -> Snapshot:
        reply = self._get(_job(remote_id, "status"))
        if answers.is_gone(reply):
            return Snapshot(phase=Phase.LOST, word="", message=answers.message_of(reply))
        document = _fine(reply)
        word = str(document.get("status"))
        phase = phase_of(word)
        said = document.get("status_message") or document.get("progress_message") or ""
        message = storable.text(said, _LONGEST_MESSAGE)
        if phase not in (Phase.DONE, Phase.FAILED, Phase.CANCELLED):
            return Snapshot(phase=phase, word=word, message=message)
        try:
            return Snapshot(phase=phase, word=word, message=message, usage=usage_of(document))
        except Unreadable as error:
            # One job's figure must not keep the others of this look from being seen; its fetch says it again.
            return Snapshot(phase=phase, word=word, message=f"{error}; {message}"[:_LONGEST_MESSAGE])

    def _read(self, text: str, name: naming.JobName | None) -> dict[str, Any]:
        request = {
            "ask": "read",
            "text": text,
            "shots": name.shots if name else None,
            "bits": name.bits if name else None,
        }
        try:
            return self._desk.call(request)
        except (ChildError, ChildKilled) as error:
            raise Unreadable(f"quandela's result cannot be read: {error}") from None

    def _absence(self, remote_id: RemoteId) -> BackendError:
        look = self._look(remote_id)
        if look.phase in (Phase.QUEUED, Phase.RUNNING, Phase.DONE):
            return Busy("quandela has no result of this job yet", retry_after=self.poll_floor_s)
        return Refused(f"the job has no result: {look.word} {look.message}", code="no_result")

    def _known(self, reply: Reply, remote_id: RemoteId) -> dict[str, Any]:
        if answers.is_gone(reply):
            raise UnknownJob(f"quandela knows no job {remote_id}")
        return _fine(reply)

    def _get(self, path: str) -> Reply:
        return self._ask("GET", path)

    def _ask(self, method: str, path: str) -> Reply:
        try:
            return self._transport.ask(method, path, timeout_s=READ_TIMEOUT_S)
        except (Unsent, Unanswered) as error:
            raise Busy(f"quandela: {error}") from None


def _job(remote_id: RemoteId, what: str) -> str:
    return f"/api/jobs/{quote(remote_id, safe='')}/{what}"


def _fine(reply: Reply) -> dict[str, Any]:
    if reply.status != _HTTP_OK or reply.document is None:
        raise answers.reading_error(reply)
    return reply.document
