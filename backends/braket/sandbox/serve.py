"""A Braket that runs here: the wire over genuine simulators in child processes, with a ledger of its own."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from starlette.responses import Response

from backends.braket.prices import CURRENCY, examples
from backends.braket.sandbox.cards import AQUILA, BY_ARN, DM1
from backends.braket.sandbox.executor import Sandbox, iso
from backends.braket.sandbox.objects import Objects
from backends.braket.sandbox.spending import Limits as SpendingLimits
from backends.braket.wire.routes import application, fault_reply, kind_of
from backends.child import ChildPool, Limits
from backends.sandboxing.admin import admin_routes
from backends.sandboxing.database import Database
from backends.sandboxing.faults import Faults
from backends.sandboxing.knobs import Fault, Knobs, Setting, Trouble
from backends.sandboxing.ledger import Entry, Ledger
from backends.sandboxing.runner import Finished, Runner
from backends.sandboxing.serving import listen, serve_forever
from backends.sandboxing.simulated import document_of, run_ms_of, simulated
from backends.sandboxing.tasks import State, Task, Tasks
from broker.domain.price import Usage, charge

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from starlette.types import ASGIApp

_SIMULATION = Limits(memory_bytes=3 << 30, cpu_s=600, wall_s=900)
_CHILDREN = min(os.cpu_count() or 1, 2)
_WORDS = {
    Trouble.THROTTLE: ("ThrottlingException", "Rate exceeded", 429),
    Trouble.UNAVAILABLE: ("ServiceUnavailableException", "Service Unavailable", 503),
    Trouble.UNAUTHORIZED: ("ExpiredTokenException", "The security token included in the request is expired", 403),
    Trouble.INVALID: ("ValidationException", "The request is not valid (sandbox knob)", 400),
}


class BraketSandbox:
    """Everything behind one data directory; ``app`` is to be served, ``close`` ends its threads and children."""

    def __init__(self, data: Path, *, setting: Setting | None = None) -> None:
        self.knobs = Knobs(setting)
        self._database = Database(data / "braket.sqlite")
        self.ledger = Ledger(self._database)
        self.tasks = Tasks(self._database, self.ledger, settle)
        self._objects = Objects(self._database, self.tasks)
        self._limits = SpendingLimits(self._database, self._spent)
        self._children = ChildPool("backends.braket.sandbox.simulate:simulate", _CHILDREN, _SIMULATION)
        self._runner = Runner(self.tasks, self.knobs, self._run, lanes=_CHILDREN)
        executor = Sandbox(self._database, self.tasks, self.knobs, self._limits, ring=self._runner.ring)
        admin = admin_routes(self.knobs, self.ledger, self._forget, self._runner.ring)
        inner = application(executor, self._objects, extra=[admin])
        self.app: ASGIApp = Faults(inner, self.knobs, kind_of=kind_of, voice=_voice)
        self._runner.start()

    def _run(self, task: Task) -> Finished:
        request = {
            "action": task.request["action"],
            "shots": task.shots,
            "arn": task.id,
            "device": task.device,
            "created_at": iso(task.created_at),
            "engine": "dm" if task.device == DM1 else "sv",
            "errors": _errors(task.device) if self.knobs.now.noise else None,
        }
        answer, most_ms = simulated(lambda: self._children.call(request), parts=("result", "run_ms"))
        return Finished(result=document_of(answer["result"]), run_ms=run_ms_of(answer, most=most_ms))

    def _spent(self, device: str, start: float, end: float) -> tuple[int, int]:
        """Micro-dollars queued and charged on a device within a time."""
        live = self.tasks.in_state(State.QUEUED, State.RUNNING, device=device)
        charged = [entry for entry in self.ledger.entries("charge") if entry.device == device]
        return (
            sum(cost_of(task) for task in live),
            sum(entry.micros for entry in charged if start <= entry.at < end),
        )

    def _forget(self) -> None:
        self.tasks.clear()
        self.ledger.clear()
        self._objects.clear()
        self._limits.clear()

    def idle(self) -> bool:
        """Whether it may end now: nothing waits or runs here."""
        return self._runner.idle()

    def close(self) -> None:
        """End threads and children; what is kept stays."""
        self._runner.halt()
        self._children.close()
        self._runner.stop()
        self._database.close()


def _errors(device: str) -> dict[str, float] | None:
    card = BY_ARN[device]
    if not card.is_qpu:
        return None
    if device == AQUILA:
        return {"ground": 0.01, "rydberg": 2 * card.readout - 0.01}
    return {"one": card.one, "two": card.two, "readout": card.readout}


def _voice(fault: Fault) -> Response:
    name, message, status = _WORDS.get(fault.trouble, ("InternalServiceException", "Internal failure", 500))
    reply = fault_reply(name, message, status=status)
    if fault.retry_after is not None:
        reply.headers["retry-after"] = f"{fault.retry_after:g}"
    return reply


def cost_of(task: Task) -> int:
    """Micro-dollars for a task that completes: what the device's price says, nothing under a reservation."""
    if task.request.get("associations"):
        return 0
    price = examples().get("/".join(task.device.split("/")[-2:]))
    if price is None:
        return 0
    return charge(price, Usage(tasks=1, shots=task.shots, run_ms=task.run_ms)).micros


def settle(task: Task) -> Entry | None:
    """Braket's rule: only completed tasks cost; cancelled and failed ones have run no shots here."""
    if task.state is not State.DONE:
        return None
    return Entry(
        kind="charge", task=task.id, token=task.token, device=task.device, shots=task.shots, micros=cost_of(task),
        currency=CURRENCY, note="reservation" if task.request.get("associations") else "",
    )  # fmt: skip


def serve(
    *, data: Path, host: str, port: int, announce: Callable[[str], None] | None = None, rest_s: float | None = None
) -> None:
    """Serve until a signal; the same data directory gives the same tasks again."""
    listener = listen(host, port)
    sandbox = BraketSandbox(data)
    try:
        serve_forever(sandbox.app, listener, announce, idle=sandbox.idle, rest_s=rest_s)
    finally:
        sandbox.close()
