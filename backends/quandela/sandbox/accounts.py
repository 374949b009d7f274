"""What does the sandboxed vendor accept, answer and charge? Its documented rules over the task store."""

from __future__ import annotations

import hashlib
import json
import math
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from backends.quandela.devices import device_name
from backends.quandela.prices import CREDIT, price_of
from backends.quandela.sandbox.platforms import MAX_DURATION_S, MAX_SHOTS, PLATFORMS, Platform, details
from backends.quandela.wire.routes import Creation, Rejected
from backends.sandboxing.clock import now as vendor_now
from backends.sandboxing.knobs import Knobs
from backends.sandboxing.ledger import Entry
from backends.sandboxing.tasks import LIVE, State, Task, Tasks
from broker.domain.money import MICRO
from broker.domain.price import Usage, charge

MAX_JOBS = 200
Document = Mapping[str, Any]
_WORDS = {
    State.HELD: "waiting",
    State.QUEUED: "waiting",
    State.RUNNING: "running",
    State.DONE: "completed",
    State.FAILED: "error",
    State.CANCELLED: "canceled",
}
_LONGEST_DURATION_S = 864_000


def settle(task: Task) -> Entry | None:
    """A completed job costs its platform's example price; a failed or cancelled one nothing."""
    if task.state is not State.DONE:
        return None
    cost = _cost(task)
    return Entry(
        kind="charge",
        task=task.id,
        token=task.token,
        device=task.device,
        shots=_given(task)["shots"],
        micros=cost,
        currency=CREDIT,
    )


class Accounts:
    """The executor behind wire.py. Every bearer token is an account of its own, with credit unless a knob says no."""

    def __init__(self, tasks: Tasks, knobs: Knobs, ring: Callable[[], None]) -> None:
        self._tasks = tasks
        self._knobs = knobs
        self._ring = ring

    def owner_of(self, token: str) -> str:
        """A digest: the store never holds a token."""
        return hashlib.sha256(token.encode()).hexdigest()[:16]

    def platforms(self) -> Sequence[Document]:
        """Every platform with its present status."""
        return [details(platform, self._status(platform)) for platform in PLATFORMS.values()]

    def platform(self, name: str) -> Document:
        """One platform."""
        platform = _platform(name)
        return details(platform, self._status(platform))

    def create(self, owner: str, creation: Creation) -> str:
        """Accept after every documented check."""
        platform = _platform(creation.platform)
        self._admit(owner, platform)
        _check(platform, creation)
        task = Task(
            id=str(uuid.uuid4()),
            device=platform.name,
            token=creation.name.split(" ")[0],
            family=owner,
            shots=creation.work.get("max_shots") or 0,
            request=creation.work,
            notes={
                "name": creation.name,
                "group": creation.group,
                "version": creation.version,
                "process": creation.process,
                "max_duration": creation.max_duration,
                "rerun_from": None,
            },
        )
        return self._accept(task, creation.request)

    def rerun(self, owner: str, job_id: str) -> str:
        """A failed or cancelled job again, under a new id."""
        task = self._owned(owner, job_id)
        if task.state not in (State.FAILED, State.CANCELLED):
            raise Rejected(400, "Can not rerun job")
        self._admit(owner, _platform(task.device))
        notes = {**task.notes, "rerun_from": task.id}
        again = Task(
            id=str(uuid.uuid4()), device=task.device, token=task.token, family=owner,
            shots=task.shots, request=task.request, notes=notes,
        )  # fmt: skip
        return self._accept(again, "", note=f"rerun of {task.id}")

    def cancel(self, owner: str, job_id: str) -> None:
        """Waiting and running jobs stop at once and cost nothing."""
        self._owned(owner, job_id)
        if self._tasks.move(job_id, State.CANCELLED, of=LIVE) is None:
            raise Rejected(400, "Can not cancel job")

    def status(self, owner: str, job_id: str) -> Document:
        """Every field that the client library asks for."""
        task = self._owned(owner, job_id)
        return {
            "status": self._knobs.now.status_word or _WORDS[task.state],
            "creation_datetime": task.created_at,
            "start_time": task.started_at,
            "duration": _duration(task),
            "progress": 1.0 if task.state is State.DONE else 0.0,
            "progress_message": _WORDS[task.state],
            "status_message": task.failure,
            "failure_code": "job_failed" if task.state is State.FAILED else None,
            "shots": _given(task)["shots"],
            "last_intermediate_results": None,
            "msg": "ok",
        }

    def result(self, owner: str, job_id: str) -> Document:
        """``results`` is JSON text inside JSON, and null before the end."""
        task = self._owned(owner, job_id)
        given = _given(task)
        return {
            "job_id": task.id,
            "results": given["results"],
            "results_type": task.request.get("command"),
            "duration": _duration(task),
            "shots": given["shots"],
            "intermediate_results": [],
        }

    def record(self, owner: str, job_id: str) -> Document:
        """What was asked for, as the vendor keeps it."""
        task = self._owned(owner, job_id)
        return {
            "job_id": task.id,
            "job_name": task.notes["name"],
            "command": task.request.get("command"),
            "payload": task.request,
            "platform_id": details(_platform(task.device), "")["id"],
            "platform_name": task.device,
            "pcvl_version": task.notes["version"],
            "process_id": task.notes["process"],
            "rerun_from": task.notes["rerun_from"],
            "created_date": _date(task.created_at),
            "start_time": _date(task.started_at),
            "duration": _duration(task),
            "shots": _given(task)["shots"],
            "status": _WORDS[task.state],
            "failure_code": "job_failed" if task.state is State.FAILED else None,
            "token_id": 1,
            "token_label": "sandbox",
        }

    def availability(self, owner: str) -> Document:
        """Room in the queue; the client library waits while there is none."""
        live = [task for task in self._tasks.in_state(*LIVE) if task.family == owner]
        return {
            "max_jobs_in_queue": MAX_JOBS,
            "num_jobs_in_queue": len(live),
            "max_concurrent_jobs": len(PLATFORMS),
            "num_concurrent_jobs": sum(task.state is State.RUNNING for task in live),
            "max_running_qt_jobs": 0,
            "num_running_qt_jobs": 0,
        }

    def usage(self, owner: str) -> Sequence[Document]:
        """Credits used on each platform."""
        done = [task for task in self._tasks.family(owner) if task.state is State.DONE]
        units = [_unit(name, [t for t in done if t.device == name]) for name in PLATFORMS]
        used = [unit for unit in units if unit["nb_jobs"]]
        return [{"token_id": 1, "total_jobs": len(done), "usage": used}]

    def _accept(self, task: Task, request: str, *, note: str = "") -> str:
        entry = Entry(
            kind="create", task=task.id, token=task.token, device=task.device, shots=task.shots,
            request=request, note=note,
        )  # fmt: skip
        self._tasks.accept([replace(task, created_at=vendor_now())], [entry])
        self._ring()
        return task.id

    def _admit(self, owner: str, platform: Platform) -> None:
        if self._knobs.now.insufficient_credit:
            raise Rejected(401, "Not enough credits")
        if self.availability(owner)["num_jobs_in_queue"] >= MAX_JOBS:
            raise Rejected(400, f"Cannot create more than {MAX_JOBS} jobs")
        status = self._status(platform)
        if status != "available":
            raise Rejected(400, f"Create job disabled, Platform in {status} status")

    def _status(self, platform: Platform) -> str:
        if platform.name in self._knobs.now.retired:
            return "retired"
        return "maintenance" if platform.name in self._knobs.now.offline else "available"

    def _owned(self, owner: str, job_id: str) -> Task:
        task = self._tasks.get(job_id)
        if task is None:
            raise Rejected(404, "Not found")
        if task.family != owner:
            raise Rejected(403, "Permission denied")
        return task


def _platform(name: str) -> Platform:
    if name not in PLATFORMS:
        raise Rejected(404, "Platform not found")
    return PLATFORMS[name]


def _check(platform: Platform, creation: Creation) -> None:
    work, seconds = creation.work, creation.max_duration
    shots = work.get("max_shots")
    if not isinstance(shots, int) or isinstance(shots, bool) or shots <= 0:
        raise Rejected(400, "Invalid max_shots, should be a positive number")
    if shots > MAX_SHOTS:
        raise Rejected(400, f"Max shots must less than or equal to {MAX_SHOTS}")
    command = work.get("command")
    if command not in platform.commands:
        raise Rejected(400, f"Command '{command}' is not available on platform '{platform.name}'")
    if "iterator" in work and not (isinstance(work["iterator"], list) and work["iterator"]):
        raise Rejected(400, "Invalid iterator: must be a non-empty list")
    if seconds is not None and seconds <= 0:
        raise Rejected(400, "Max duration must not be zero")
    if seconds is not None and seconds > _LONGEST_DURATION_S:
        raise Rejected(400, f"Max duration too large, exceeding {_LONGEST_DURATION_S}")
    if seconds is not None and seconds > MAX_DURATION_S:
        limit = f"exceeds the platform limit of {MAX_DURATION_S}(s)"
        raise Rejected(400, f"Max_duration {seconds}(s) {limit}")


def _given(task: Task) -> dict[str, Any]:
    return dict(json.loads(task.result)) if task.result else {"results": None, "shots": None}


def _duration(task: Task) -> int:
    """Whole seconds, as the vendor counts them; begun ones count."""
    return math.ceil(task.run_ms / 1000)


def _cost(task: Task) -> int:
    price = price_of(device_name(task.device), sandbox=True)
    if price is None:
        return 0
    usage = Usage(tasks=1, shots=_given(task)["shots"] or 0, run_ms=_duration(task) * 1000)
    return charge(price, usage).micros


def _unit(name: str, tasks: Sequence[Task]) -> dict[str, Any]:
    return {
        "platform_name": name,
        "nb_jobs": len(tasks),
        "duration_seconds": sum(map(_duration, tasks)),
        "credits": sum(map(_cost, tasks)) / MICRO,
        "free_credits": 0,
    }


def _date(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat()
