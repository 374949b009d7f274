"""Braket as a backend: six verbs over boto3, each create sent once under our own client token."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from backends import storable
from backends.base import USUAL_SEND_S, Backend, Outcome, Phase, Recovery, Snapshot
from backends.braket.answers import is_conflict, reading_error
from backends.braket.billing import billed, usage_of
from backends.braket.devices import device_of, name_of
from backends.braket.layout import TOKEN_TAG, bits_of
from backends.braket.parts import Budget, folder_of, part_of
from backends.braket.pricelist import PriceList, download
from backends.braket.prices import examples, named, published
from backends.braket.request import create_request, region_of
from backends.braket.results import read
from backends.braket.settings import Settings, settings_from
from backends.braket.specs import specs_of
from backends.braket.spending import Spending
from backends.braket.status import phase_of
from backends.braket.transport import Transport
from backends.child import ChildPool, Limits
from backends.errors import Busy, Refused, UnknownJob, Unreadable
from backends.outcome_check import counted, documented, sound
from backends.translation import Untrue, called, in_time, unasked
from broker.domain.ids import RemoteId
from broker.domain.price import Price

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from backends.base import Order
    from broker.domain.device import Device
    from broker.domain.money import Money
    from broker.domain.specs import Specs

TRANSLATION = Limits(memory_bytes=1 << 30, cpu_s=20, wall_s=20)
_WINDOW = timedelta(days=3)
_PAGE = 100
# A budget here has no period, so neither has the belt: one long window, the same at every look.
_BELT_FROM = datetime(2026, 1, 1, tzinfo=UTC)
_BELT_TO = datetime(2036, 1, 1, tzinfo=UTC)
_FILTER_VALUES = 10
_POSITIONS = 10
_RESULT_BYTES = 512 << 20


class BraketBackend(Backend):
    """One AWS account. ``translate`` may be given in a test; by default a child process with Qiskit does it."""

    name = "braket"
    recovery = Recovery.TOKEN
    poll_floor_s = 1.0
    keeps_ceilings = True

    def __init__(
        self,
        settings: Settings,
        *,
        timeout_s: float = USUAL_SEND_S,
        translate: Callable[[Mapping[str, Any]], dict[str, Any]] | None = None,
        price_list: PriceList | None = None,
    ) -> None:
        self._settings = settings
        self._transport = Transport(settings, timeout_s=timeout_s)
        self._child = None if translate else ChildPool("backends.braket.translate:translate", 1, TRANSLATION)
        self._translate = translate
        self._price_list = price_list or PriceList(download)
        self._capabilities: dict[str, str] = {}

    def devices(self) -> Sequence[Device]:
        """Every device of the configured regions; a simulator once, at home."""
        found: dict[str, Device] = {}
        with ThreadPoolExecutor(len(self._settings.regions)) as pool:
            for device in (each for region in pool.map(self._in_region, self._settings.regions) for each in region):
                found.setdefault(device.name, device)
        return list(found.values())

    def _in_region(self, region: str) -> list[Device]:
        client = self._transport.braket(region)
        try:
            answers = [client.get_device(deviceArn=arn) for arn in self._arns(client, region)]
        except Exception as error:
            raise reading_error(error) from error
        found = []
        for answer in answers:
            price = self._price(answer["deviceArn"])
            device = device_of(answer, region=region, sandbox=self._settings.sandbox, price=price)
            if device is not None:
                found.append(device)
                self._capabilities[device.name] = answer["deviceCapabilities"]
        return found

    def specs(self, device: Device) -> Specs | None:
        """Out of the capabilities that came with the list of devices."""
        text = self._capabilities.get(device.name)
        return None if text is None else specs_of(device.name, device.provider, text)

    def _arns(self, client: Any, region: str) -> Iterator[str]:  # noqa: ANN401  a generated boto3 client
        for page in client.get_paginator("search_devices").paginate(filters=[]):
            for device in page["devices"]:
                arn = device["deviceArn"]
                if arn.split(":")[3] == region or (not arn.split(":")[3] and region == self._settings.home):
                    yield arn

    def _price(self, arn: str) -> Price | None:
        key = "/".join(arn.split("/")[-2:])
        if self._settings.sandbox:
            price = examples().get(key)
        else:
            price = self._price_list.prices().get(key.split("/")[1].lower()) or published().get(key)
        return named(price, name_of(arn)) if price else None

    def submit(self, order: Order) -> RemoteId:
        """One ``CreateQuantumTask``; the same token and order give the same request, byte for byte."""
        translate = partial(called, self._child.call, order=order) if self._child else self._translate
        assert translate is not None  # noqa: S101  set by the constructor either way
        try:
            with unasked():
                request = create_request(order, self._settings, translate)
        except Untrue:
            if self._child:
                self._child.close()
            raise
        region = region_of(order, self._settings)
        return RemoteId(self._transport.create(region, request, seconds=in_time(order)))

    def find(self, token: str) -> Sequence[RemoteId]:
        """Tasks of the last three days whose token tag starts with ``token``: tags cannot be searched, times can."""
        with ThreadPoolExecutor(len(self._settings.regions)) as pool:
            lists = pool.map(self._recent, self._settings.regions)
            summaries = [summary for summaries in lists for summary in summaries]
        return [
            RemoteId(summary["quantumTaskArn"])
            for summary in summaries
            if summary.get("tags", {}).get(TOKEN_TAG, "").startswith(token) and TOKEN_TAG in summary.get("tags", {})
        ]

    def _recent(self, region: str) -> list[Mapping[str, Any]]:
        since = datetime.now(UTC) - _WINDOW
        created = {"name": "createdAt", "operator": "GTE", "values": [since.strftime("%Y-%m-%dT%H:%M:%SZ")]}
        try:
            return self._listed(region, [created])
        except Refused:
            # The form of the time is documented nowhere. A refused filter must not look like an empty list.
            return [summary for summary in self._listed(region, []) if summary["createdAt"] >= since]

    def _listed(self, region: str, filters: list[dict[str, Any]]) -> list[Mapping[str, Any]]:
        pages = self._transport.braket(region).get_paginator("search_quantum_tasks")
        try:
            return [
                summary
                for page in pages.paginate(filters=filters, maxResults=_PAGE)
                for summary in page["quantumTasks"]
            ]
        except Exception as error:
            raise reading_error(error) from error

    def poll(self, remote_ids: Sequence[RemoteId]) -> Mapping[RemoteId, Snapshot]:
        """Ten to a list request; a closer look at failures, at what the list lacks, and at a short queue."""
        words: dict[str, str] = {}
        for region, arns in _by_region(remote_ids).items():
            for first in range(0, len(arns), _FILTER_VALUES):
                chosen = arns[first : first + _FILTER_VALUES]
                named = {"name": "quantumTaskArn", "operator": "EQUAL", "values": chosen}
                words |= {each["quantumTaskArn"]: each["status"] for each in self._listed(region, [named])}
        return {arn: self._snapshot(arn, words.get(arn), closely=len(remote_ids) <= _POSITIONS) for arn in remote_ids}

    def _snapshot(self, arn: RemoteId, word: str | None, *, closely: bool) -> Snapshot:
        phase = phase_of(word) if word is not None else None
        tells_all = phase is Phase.RUNNING or (phase is Phase.QUEUED and not closely)
        if word is not None and phase is not None and tells_all:
            return Snapshot(phase=phase, word=word)
        try:
            task = self._task(arn)
        except UnknownJob:
            return Snapshot(phase=Phase.LOST, word=word or "", message="braket knows no such task")
        return Snapshot(
            phase=phase_of(task["status"]),
            word=task["status"],
            queue_position=_position(task),
            message=storable.text(task.get("failureReason")),
            usage=billed(task),
        )

    def _task(self, arn: str) -> Mapping[str, Any]:
        try:
            client = self._transport.braket(_region(arn))
            task: Mapping[str, Any] = client.get_quantum_task(
                quantumTaskArn=arn, additionalAttributeNames=["QueueInfo"]
            )
        except Exception as error:
            raise reading_error(error) from error
        return task

    def fetch(self, remote_id: RemoteId) -> Outcome:
        """``results.json`` of a completed task, read with the layout that its tags hold."""
        task = self._task(remote_id)
        phase = phase_of(task["status"])
        if phase is not Phase.DONE:
            if phase in (Phase.QUEUED, Phase.RUNNING):
                raise Busy("the task has not ended", retry_after=self.poll_floor_s)
            raise Refused(f"braket: the task is {task['status']}: {task.get('failureReason', '')}", code="run_failed")
        with documented("braket"):
            return self._outcome(task)

    def _outcome(self, task: Mapping[str, Any]) -> Outcome:
        budget = Budget(_RESULT_BYTES)
        raw = self._object(task, "results.json", budget)
        shots = int(task.get("numSuccessfulShots") or task["shots"])
        reading = read(
            json.loads(raw),
            bits=bits_of(task.get("tags") or {}),
            shots=shots,
            part=lambda path: json.loads(self._object(task, part_of(path), budget)),
        )
        obtained = sum(sum(counted(point.counts).values()) for point in reading.points)
        if obtained > task["shots"]:
            raise Unreadable(f"braket's result has {obtained} shots, {task['shots']} were asked for")
        return sound(
            Outcome(
                points=reading.points,
                usage=usage_of(task, shots, reading.run_ms),
                raw=raw,
                compiled=reading.compiled,
                engine=task["deviceArn"],
                software={"boto3": version("boto3")},
                warnings=reading.warnings,
                run_ended_at=task["endedAt"].timestamp() if "endedAt" in task else None,
            )
        )

    def _object(self, task: Mapping[str, Any], path: str, budget: Budget) -> str:
        key = f"{folder_of(task)}/{path}"
        try:
            answer = self._transport.objects(_region(task["quantumTaskArn"])).get_object(
                Bucket=task["outputS3Bucket"], Key=key
            )
            body: bytes = answer["Body"].read(budget.left + 1)
        except Exception as error:
            raise reading_error(error) from error
        budget.spend(len(body))
        return body.decode("utf-8")

    def cancel(self, remote_id: RemoteId) -> None:
        """Ask to stop; too late or unknown is no error."""
        try:
            self._transport.braket(_region(remote_id)).cancel_quantum_task(quantumTaskArn=remote_id)
        except Exception as error:
            if is_conflict(error):
                return
            reaction = reading_error(error)
            if not isinstance(reaction, UnknownJob):
                raise reaction from error

    def keep_ceiling(self, device: Device, amount: Money) -> None:
        """Amazon's own spending limit for the device: an outer belt over our holds, in force for as long as we are."""
        if amount.currency == "USD":
            Spending(self._transport).keep(device, amount, start=_BELT_FROM, end=_BELT_TO)

    def close(self) -> None:
        """End the translator and the connections."""
        if self._child:
            self._child.close()
        self._transport.close()


def _region(arn: str) -> str:
    parts = arn.split(":")
    if len(parts) < 6:  # noqa: PLR2004  arn:partition:service:region:account:resource
        raise UnknownJob(f"not a Braket task: {arn[:80]}")
    return parts[3]


def _by_region(arns: Sequence[RemoteId]) -> dict[str, list[str]]:
    regions: dict[str, list[str]] = {}
    for arn in arns:
        regions.setdefault(_region(arn), []).append(arn)
    return regions


def _position(task: Mapping[str, Any]) -> int | None:
    """Braket writes ``>2000`` for a long queue and ``None`` for a task that has started."""
    text = str((task.get("queueInfo") or {}).get("position", "")).lstrip(">")
    return int(text) if re.fullmatch("[0-9]{1,9}", text) else None


def backend(*, data: Path, environ: Mapping[str, str]) -> Backend | None:  # noqa: ARG001  every factory's signature
    """The real vendor, its sandbox, or None where neither is configured."""
    settings = settings_from(environ)
    return BraketBackend(settings) if settings else None
