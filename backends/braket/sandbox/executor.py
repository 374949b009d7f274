"""What does the sandbox answer? The wire's ``Executor`` over the task store, the knobs and the device cards."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from backends.braket.prices import examples
from backends.braket.sandbox.cards import BY_ARN, CARDS, SIMULATOR_REGIONS, Card
from backends.braket.sandbox.devices import capabilities
from backends.braket.sandbox.objects import folder_of
from backends.braket.sandbox.prices import price_list
from backends.braket.wire.objects import ACCOUNT
from backends.braket.wire.routes import Caller, Fault, Limit
from backends.sandboxing.ledger import Entry
from backends.sandboxing.tasks import State, Task, Tasks
from broker.domain.price import Usage, charge

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from backends.braket.sandbox.spending import Limits
    from backends.sandboxing.database import Database
    from backends.sandboxing.knobs import Knobs

_WORDS = {
    State.HELD: "CREATED",
    State.QUEUED: "QUEUED",
    State.RUNNING: "RUNNING",
    State.DONE: "COMPLETED",
    State.FAILED: "FAILED",
    State.CANCELLED: "CANCELLED",
}
_SET = "braket.ir.openqasm.program_set"
_STARTED = {"queue": "QUANTUM_TASKS_QUEUE", "position": "None", "queuePriority": "Normal"}


def iso(at: float) -> str:
    """As the service writes times: milliseconds and ``Z``."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


class Sandbox:
    """An ``Executor``; ``ring`` wakes the runner."""

    def __init__(
        self, database: Database, tasks: Tasks, knobs: Knobs, limits: Limits, *, ring: Callable[[], None]
    ) -> None:
        self._database = database
        self._tasks = tasks
        self._knobs = knobs
        self._limits = limits
        self._ring = ring

    def create(self, request: Mapping[str, Any], caller: Caller) -> str:
        """Accept once per client token; the same token with other parameters is refused."""
        with self._database.write():
            known = self._tasks.by_token(request["clientToken"])
            if known:
                if dict(known[0].request) != dict(request):
                    raise Fault("ValidationException", "The client token was used with other parameters.")
                return known[0].id
            card = self._card(request["deviceArn"], caller)
            self._refuse(card, request)
            region = card.region or caller.region
            arn = f"arn:aws:braket:{region}:{ACCOUNT}:quantum-task/{uuid.uuid4()}"
            task = Task(
                id=arn, device=card.arn, token=request["clientToken"], shots=request["shots"], request=request,
                notes={"tags": dict(request.get("tags") or {})},
            )  # fmt: skip
            entry = Entry(kind="create", task=arn, token=task.token, device=card.arn, shots=task.shots)
            self._tasks.accept([task], [entry])
        self._ring()
        return arn

    def _refuse(self, card: Card, request: Mapping[str, Any]) -> None:
        setting = self._knobs.now
        if card.retired or card.arn in setting.retired:
            raise Fault("DeviceRetiredException", f"{card.name} is retired.")
        if card.arn in setting.offline:
            raise Fault("DeviceOfflineException", f"{card.name} is offline.")
        action = json.loads(request["action"])
        kind = action["braketSchemaHeader"]["name"]
        if kind not in json.loads(capabilities(card.arn))["action"]:
            raise Fault("ValidationException", f"{card.name} does not support {kind}.")
        _refuse_shots(card, request, action)
        if card.is_qpu and (setting.insufficient_credit or self._limits.forbids(card.arn, _worst(card, request))):
            message = "The spending limit of the device would be exceeded by this quantum task."
            raise Fault("ServiceQuotaExceededException", message)

    def _card(self, arn: str, caller: Caller) -> Card:
        card = BY_ARN.get(arn)
        if card is None or not _is_in(card, caller.region):
            raise Fault("ResourceNotFoundException", f"There is no device {arn} in {caller.region}.")
        return card

    def _found(self, arn: str) -> Task:
        task = self._tasks.get(arn)
        if task is None:
            raise Fault("ResourceNotFoundException", f"There is no quantum task {arn}.")
        return task

    def _word(self, task: Task) -> str:
        return self._knobs.now.status_word or _WORDS[task.state]

    def task(self, arn: str) -> Mapping[str, Any]:
        """All that the service tells of a task."""
        task = self._found(arn)
        shown = {
            **self._summary(task),
            "deviceParameters": task.request.get("deviceParameters", "{}"),
            "actionMetadata": _action_metadata(task),
            "queueInfo": self._queue_info(task),
        }
        if task.state is State.FAILED:
            shown["failureReason"] = task.failure
        if task.state is State.DONE:
            shown["numSuccessfulShots"] = task.shots
        for name in ("associations", "experimentalCapabilities"):
            if name in task.request:
                shown[name] = task.request[name]
        return shown

    def _summary(self, task: Task) -> dict[str, Any]:
        shown = {
            "quantumTaskArn": task.id,
            "status": self._word(task),
            "deviceArn": task.device,
            "shots": task.shots,
            "outputS3Bucket": task.request["outputS3Bucket"],
            "outputS3Directory": folder_of(task),
            "createdAt": iso(task.created_at),
            "tags": task.notes["tags"],
        }
        return shown | ({"endedAt": iso(task.ended_at)} if task.ended_at else {})

    def _queue_info(self, task: Task) -> Mapping[str, str]:
        if task.state is not State.QUEUED:
            return {**_STARTED, "message": "The task has left the queue."}
        return {**_STARTED, "position": str(self._tasks.ahead_of(task) + 1)}

    def tasks(self, caller: Caller) -> Sequence[Mapping[str, Any]]:
        """Summaries of the region's tasks, newest first."""
        found = self._tasks.select("id LIKE ?", (f"arn:aws:braket:{caller.region}:%",))
        return [self._summary(task) for task in reversed(found)]

    def cancel(self, arn: str) -> str:
        """Stops what has not ended; an ended task is a conflict."""
        task = self._found(arn)
        live = (State.HELD, State.QUEUED, State.RUNNING)
        if self._tasks.move(arn, State.CANCELLED, of=live) is None:
            raise Fault("ConflictException", f"The quantum task is {_WORDS[task.state]}.")
        return "CANCELLING"

    def devices(self, caller: Caller) -> Sequence[Mapping[str, Any]]:
        """The region's devices; simulators are in three regions."""
        return [self._device_summary(card) for card in CARDS if _is_in(card, caller.region)]

    def _device_summary(self, card: Card) -> dict[str, Any]:
        setting = self._knobs.now
        offline = card.arn in setting.offline
        retired = card.retired or card.arn in setting.retired
        return {
            "deviceArn": card.arn,
            "deviceName": card.name,
            "providerName": card.provider,
            "deviceType": "QPU" if card.is_qpu else "SIMULATOR",
            "deviceStatus": "RETIRED" if retired else "OFFLINE" if offline else "ONLINE",
        }

    def device(self, arn: str, caller: Caller) -> Mapping[str, Any]:
        """With capabilities and the length of its queue."""
        card = self._card(arn, caller)
        size = str(len(self._tasks.in_state(State.QUEUED, device=arn)))
        queues = [
            {"queue": "QUANTUM_TASKS_QUEUE", "queueSize": size, "queuePriority": "Normal"},
            {"queue": "QUANTUM_TASKS_QUEUE", "queueSize": "0", "queuePriority": "Priority"},
            {"queue": "JOBS_QUEUE", "queueSize": "0"},
        ]
        return {
            **self._device_summary(card),
            "deviceCapabilities": capabilities(arn),
            "deviceQueueInfo": queues,
        }

    def tags(self, arn: str) -> Mapping[str, str]:
        """Of a task or a spending limit."""
        if ":spending-limit/" in arn:
            return self._limits.tags(arn)
        tags: Mapping[str, str] = self._found(arn).notes["tags"]
        return tags

    def retag(self, arn: str, tags: Mapping[str, str]) -> None:
        """Replace them."""
        if ":spending-limit/" in arn:
            self._limits.retag(arn, tags)
        else:
            self._tasks.note(arn, {**self._found(arn).notes, "tags": dict(tags)})

    def create_limit(self, request: Mapping[str, Any], caller: Caller) -> str:
        """A new spending limit's ARN."""
        self._card(request.get("deviceArn", ""), caller)
        return self._limits.create(request, caller.region)

    def update_limit(self, arn: str, request: Mapping[str, Any]) -> None:
        """Change its amount or its time."""
        self._limits.update(arn, request)

    def delete_limit(self, arn: str) -> None:
        """Drop it."""
        self._limits.delete(arn)

    def limits(self, caller: Caller) -> Sequence[Limit]:
        """Every spending limit of the region."""
        return self._limits.all(caller.region)

    def price_list(self) -> str:
        """The CSV that the vendor's cost tracker reads."""
        return price_list()


def _is_in(card: Card, region: str) -> bool:
    return card.region == region or (not card.region and region in SIMULATOR_REGIONS)


def _refuse_shots(card: Card, request: Mapping[str, Any], action: Mapping[str, Any]) -> None:
    executables = _executables(action)
    low, high = card.shots
    each, rest = divmod(request["shots"], executables)
    if rest:
        raise Fault("ValidationException", "The shots of a program set must be a multiple of its executables.")
    if not low <= each <= high:
        raise Fault("ValidationException", f"{card.name} takes {low} to {high} shots, not {each}.")


def _executables(action: Mapping[str, Any]) -> int:
    if action["braketSchemaHeader"]["name"] != _SET:
        return 1
    lengths = [len(next(iter((program.get("inputs") or {"": [0]}).values()))) for program in action["programs"]]
    return max(sum(lengths), 1)


def _action_metadata(task: Task) -> dict[str, Any]:
    action = json.loads(task.request["action"])
    kind = action["braketSchemaHeader"]["name"]
    if kind != _SET:
        return {"actionType": kind}
    return {"actionType": kind, "programCount": len(action["programs"]), "executableCount": _executables(action)}


def _worst(card: Card, request: Mapping[str, Any]) -> int:
    price = examples().get("/".join(card.arn.split("/")[-2:]))
    if price is None or request.get("associations"):
        return 0
    return charge(price, Usage(tasks=1, shots=request["shots"])).micros
