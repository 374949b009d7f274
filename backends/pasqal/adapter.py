"""How does the broker use Pasqal? The six verbs over the vendor's own client, which never repeats a create here."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

from backends import storable
from backends.base import USUAL_SEND_S, Backend, Order, Outcome, Phase, Recovery, Snapshot
from backends.child import Child, ChildError, ChildKilled
from backends.errors import Busy, Refused, UnknownJob, Unreadable
from backends.outcome_check import documented, sound
from backends.pasqal import retarget, translate
from backends.pasqal.deadline import until
from backends.pasqal.devices import MIMICS, NAME, QPUS, calibration_of, devices_of
from backends.pasqal.fitted import fitted_of
from backends.pasqal.results import BatchRecord, JobRecord, outcome_of, usage_of
from backends.pasqal.settings import settings_from
from backends.pasqal.status import phase_of, phase_of_batch
from backends.translation import Untrue, called, in_time, unasked
from broker.domain.device import Device, Kind, Status
from broker.domain.ids import RemoteId
from broker.domain.specs import Specs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from pasqal_cloud.batch import Batch

    from backends.pasqal.cloud import Cloud
    from backends.pasqal.draft import Draft
    from backends.pasqal.settings import Settings

_SPECS_LAST_S = 300.0
_LIVE = (Phase.QUEUED, Phase.RUNNING)


def backend(*, data: Path, environ: Mapping[str, str]) -> PasqalBackend | None:  # noqa: ARG001  one signature for all
    """The adapter that the environment configures, or None."""
    settings = settings_from(environ)
    return PasqalBackend(settings) if settings else None


class PasqalBackend(Backend):
    """Tag class: no idempotency token, but every batch bears ours as a tag and can be listed by it."""

    name = NAME
    recovery = Recovery.TAG
    poll_floor_s = 2.0

    def __init__(self, settings: Settings, *, timeout_s: float = USUAL_SEND_S) -> None:
        self._settings = settings
        self._wire_s = timeout_s / 2
        self._opening = threading.Lock()
        self._cloud: Cloud | None = None
        self._specs: dict[str, str] = {}
        self._specs_end = 0.0
        self._seen: dict[str, Device] = {}
        self._fitter = Child(retarget.TARGET, retarget.LIMITS)

    def devices(self) -> Sequence[Device]:
        """QPUs with their specification and emulators, as far as our project may use them.

        The vendor says nothing of a device that is off but no longer offers it: one seen before is offline.
        """
        self._specs_end = 0.0
        offered = devices_of(
            self._present_specs(),
            allowed=self.cloud.allowed_types(),
            widths=self._settings.widths,
            region=self._settings.region,
            sandbox=self._settings.sandbox,
        )
        gone = {name: replace(device, status=Status.OFFLINE) for name, device in self._seen.items()}
        self._seen = gone | {device.name: device for device in offered}
        return list(self._seen.values())

    def specs(self, device: Device) -> Specs | None:
        """The specification that came with the list of devices, as the vendor wrote it: Pulser reads it as it is."""
        text = self._specs.get(device.vendor_id) or self._specs.get(MIMICS.get(device.vendor_id, ""))
        return None if text is None else Specs(device=device.name, analog=text)

    def submit(self, order: Order) -> RemoteId:
        """One POST for all points; what takes time is done before it, and none is sent when it took too long."""
        cloud = self.cloud
        with until(order.deadline), unasked():
            draft = self._drafted(order)
        in_time(order)
        with until(order.deadline):
            return RemoteId(cloud.create(draft))

    def find(self, token: str) -> Sequence[RemoteId]:
        """By the exact tag where the token is whole, else among all batches of ours."""
        whole = _is_whole(token)
        found = self.cloud.by_tag(token if whole else translate.FAMILY_TAG)
        return [RemoteId(batch.id) for batch in found if self._bears(batch, token, whole=whole)]

    def poll(self, remote_ids: Sequence[RemoteId]) -> Mapping[RemoteId, Snapshot]:
        """One listing for each hundred; an id that is not listed is lost."""
        known = [one for one in remote_ids if _is_uuid(one)]
        seen = {batch.id: self._snapshot(batch) for batch in self.cloud.by_ids(known)} if known else {}
        lost = Snapshot(phase=Phase.LOST, word="", message="pasqal lists no such batch")
        return {one: seen.get(one, lost) for one in remote_ids}

    def fetch(self, remote_id: RemoteId) -> Outcome:
        """All points of an ended batch, in the order of the create.

        Raises:
            UnknownJob: the vendor has no such batch.
            Busy: the batch is still live, or a result is not there yet.
            Refused: it ended without any result.
        """
        if not _is_uuid(remote_id):
            raise UnknownJob(f"pasqal knows no batch {remote_id}")
        batch = self.cloud.batch(remote_id)
        done = [job for job in batch.ordered_jobs if phase_of(job.status) is Phase.DONE]
        _must_have_ended(batch, with_results=bool(done))
        bodies = self.cloud.results(done)
        documents = {job.id: body for job, body in zip(done, bodies, strict=True)}
        with documented("pasqal"):
            return sound(self._outcome(_record(batch), documents))

    def cancel(self, remote_id: RemoteId) -> None:
        """Ask; a batch that has ended or is unknown answers 4xx."""
        if not _is_uuid(remote_id):
            return
        try:
            self.cloud.cancel(remote_id)
        except (Refused, UnknownJob):
            return

    def close(self) -> None:
        """End the child process; no connection outlives its request."""
        self._fitter.close()

    def __repr__(self) -> str:
        return f"PasqalBackend({self._settings.core_url or self._settings.region})"

    @property
    def cloud(self) -> Cloud:
        """The vendor's client, imported with the first use; also the door to open batches."""
        with self._opening:
            if self._cloud is None:
                from backends.pasqal.cloud import Cloud
                from backends.pasqal.transport import connect

                self._cloud = Cloud(connect(self._settings, seconds=self._wire_s))
            return self._cloud

    def _bears(self, batch: Batch, token: str, *, whole: bool) -> bool:
        """By the batch's own tags; a listing that tells none is believed about the one tag that it was asked for."""
        tags = batch.tags
        if tags is None:
            tags = self.cloud.batch(batch.id).tags
        return whole if tags is None else any(tag.startswith(token) for tag in tags)

    def _snapshot(self, batch: Batch) -> Snapshot:
        jobs = batch.jobs_count_per_status
        phase = phase_of_batch(batch.status, jobs)
        told = ", ".join(f"{number} {word}" for word, number in sorted(jobs.items()) if number)
        # A cancelled or failed batch may hold points that have run, and those are paid.
        if phase is not Phase.DONE and not (phase in (Phase.CANCELLED, Phase.FAILED) and jobs.get("DONE", 0)):
            return Snapshot(phase=phase, word=batch.status, message=storable.text(told))
        try:
            usage = usage_of(_record(self.cloud.batch(batch.id)))
        except (Unreadable, UnknownJob) as error:
            # One batch's figures must not keep the others of this look from being seen; its fetch says it again.
            return Snapshot(phase=phase, word=batch.status, message=storable.text(f"{error}; {told}"))
        return Snapshot(phase=phase, word=batch.status, message=storable.text(told), usage=usage)

    def _drafted(self, order: Order) -> Draft:
        from backends.pasqal.cloud import default_configuration

        sequence = translate.parsed(order)
        machine = MIMICS.get(order.device.vendor_id, order.device.vendor_id)
        if order.device.kind is Kind.QPU or machine in QPUS:
            sequence = self._fitted(translate.measured(sequence), machine, order)
        return translate.draft_of(order, sequence, configuration=default_configuration(order.device.vendor_id))

    def _fitted(self, sequence: dict[str, Any], machine: str, order: Order) -> dict[str, Any]:
        """The sequence on the machine's present specification: the vendor refuses any other."""
        spec = self._present_specs().get(machine)
        if spec is None:
            raise Busy(f"pasqal publishes no specification of {machine} at present", retry_after=60.0)
        request = {"sequence": json.dumps(sequence), "spec": spec}
        try:
            return fitted_of(called(self._fitter.call, request, order), sequence, spec)
        except ChildError as error:
            raise Refused(f"{machine}: {error.message}", code="program_invalid") from None
        except ChildKilled as error:
            raise Refused(f"fitting the sequence was {error}", code="limit_exceeded") from None
        except Untrue:
            self._fitter.close()
            raise

    def _present_specs(self) -> dict[str, str]:
        if time.monotonic() >= self._specs_end:
            self._specs = self.cloud.specs()
            self._specs_end = time.monotonic() + _SPECS_LAST_S
        return self._specs

    def _outcome(self, batch: BatchRecord, documents: Mapping[str, Mapping[str, Any]]) -> Outcome:
        outcome = outcome_of(batch, documents, sandbox=self._settings.sandbox)
        if batch.device_type not in QPUS:
            return outcome
        return replace(outcome, compiled=batch.sequence, calibration=_calibration(batch.sequence))


def _is_whole(token: str) -> bool:
    return token.startswith(translate.FAMILY_TAG) and _is_uuid(token.removeprefix(translate.FAMILY_TAG))


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False


def _must_have_ended(batch: Batch, *, with_results: bool) -> None:
    if phase_of(batch.status) in _LIVE:
        raise Busy(f"the batch is {batch.status}", retry_after=PasqalBackend.poll_floor_s)
    if not with_results:
        why = "; ".join(error for job in batch.ordered_jobs for error in job.errors or ())
        raise Refused(f"the batch ended as {batch.status} without a result: {why}"[:1000])


def _record(batch: Batch) -> BatchRecord:
    return BatchRecord(
        id=batch.id,
        word=batch.status,
        device_type=batch.device_type,
        sequence=batch.sequence_builder,
        jobs=tuple(
            JobRecord(
                id=job.id,
                word=job.status,
                runs=job.runs,
                variables=job.variables,
                started=job.start_timestamp,
                ended=job.end_timestamp,
                errors=tuple(job.errors or ()),
            )
            for job in batch.ordered_jobs
        ),
    )


def _calibration(sequence: str | None) -> str | None:
    """The noise model that the machine published when the batch was made: it travels in the sequence."""
    try:
        device = json.loads(sequence or "{}").get("device")
    except (ValueError, RecursionError, AttributeError):
        return None
    found = calibration_of(device) if isinstance(device, dict) else None
    return found.raw if found else None
