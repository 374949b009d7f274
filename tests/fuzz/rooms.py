"""In which child may an admitted program end, and with what request? One row for every child that opens programs."""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from backends.child import Child, ChildError, ChildKilled, Limits
from broker.domain.program import Format
from tests.fuzz.watched import HEARD

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from random import Random

    from broker.domain.program import Program
    from broker.domain.requirement import Requirement

    Point = Mapping[str, float]
    Request = Callable[[Program, Requirement, Point], dict[str, Any]]

WATCHED: Final = "tests.fuzz.watched:watched"
LIMITS: Final = Limits(memory_bytes=1 << 30, cpu_s=5.0, wall_s=20.0)
SHOTS: Final = 5
# Beyond this a child computes for long and shows nothing more.
MOST_OPERATIONS: Final = 2_000
_MOST_WIDTH: Final = {"gate": 12, "analog": 5, "photonic": 10}
_MOST_PHOTONS: Final = 5
_MOST_US: Final = 6.0
_ALIVE: Final = 10
_TOGETHER: Final = 12
_GATE: Final = (Format.OPENQASM2, Format.OPENQASM3)
_BRAKET_GATES: Final = ["h", "x", "y", "z", "rx", "ry", "rz", "cnot", "cz", "s", "t", "v", "i", "swap", "ccnot"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Room:
    """A child of the code, what comes to it, and what it is asked."""

    name: str
    target: str
    formats: tuple[Format, ...]
    request: Request


@dataclass(frozen=True, kw_only=True, slots=True)
class Ran:
    """What a call came to. ``heard`` is what must be empty; ``killed`` the reason, if it was."""

    room: str
    heard: tuple[str, ...] = ()
    killed: str | None = None
    answer: str = ""


def small(need: Requirement) -> bool:
    """Whether a child answers soon."""
    return (
        need.width <= _MOST_WIDTH[need.paradigm.value]
        and need.operations <= MOST_OPERATIONS
        and need.photons <= _MOST_PHOTONS
        and need.duration_us <= _MOST_US
    )


def _local(engine: str) -> Request:
    def request(program: Program, need: Requirement, point: Point) -> dict[str, Any]:
        del need
        job = {"program": "p", "points": [dict(point)], "shots": SHOTS, "seed": 1, "threads": 1}
        job |= {"engine": engine, "method": "statevector"}
        return {"programs": {"p": {"format": program.format.value, "source": program.source}}, "jobs": [job]}

    return request


def _braket(program: Program, need: Requirement, point: Point) -> dict[str, Any]:
    if program.format is Format.PULSER:
        return {"task": "pulser", "source": program.source, "bindings": dict(point)}
    return {
        "task": "openqasm",
        "format": program.format.value,
        "source": program.source,
        "bits": 0 if need.implicit_measurement else need.bits,
        "parameters": list(need.parameters),
        "operations": _BRAKET_GATES,
        "verbatim": False,
    }


def _braket_sandbox(program: Program, need: Requirement, point: Point) -> dict[str, Any]:
    del need
    analog = program.format is Format.AHS
    header = {"name": "braket.ir.ahs.program" if analog else "braket.ir.openqasm.program", "version": "1"}
    body = json.loads(program.source) if analog else {"source": program.source, "inputs": dict(point)}
    return {
        "action": json.dumps({**body, "braketSchemaHeader": header}),
        "shots": SHOTS,
        "arn": "arn:task",
        "device": "arn:device",
        "created_at": "2026-01-01T00:00:00.000Z",
        "engine": "sv",
        "errors": None,
    }


def _pasqal_sandbox(program: Program, need: Requirement, point: Point) -> dict[str, Any]:
    del need
    asked = {
        "sequence": program.source,
        "variables": _arrays(point),
        "runs": SHOTS,
        "configuration": None,
        "spec": None,
    }
    return {"ask": "run", "seed": 1, **asked}


def _pasqal(program: Program, need: Requirement, point: Point) -> dict[str, Any]:
    del need, point
    device = json.loads(program.source)["device"]
    return {"sequence": program.source, "spec": json.dumps(device)}


def _arrays(point: Point) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in point.items():
        head, _, place = name.partition("[")
        if place:
            found.setdefault(head, []).append(value)
        else:
            found[head] = value
    return found


def _quandela(program: Program, need: Requirement, point: Point) -> dict[str, Any]:
    del need
    return {
        "ask": "compose",
        "source": program.source,
        "format": program.format.value,
        "shots": SHOTS,
        "points": [dict(point)],
        "platform": "sim:slos",
        "commands": ["probs", "sample_count", "samples"],
        "bounds": {"modes": 20, "photons": 10},
    }


def _quandela_sandbox(program: Program, need: Requirement, point: Point) -> dict[str, Any]:
    """The vendor's inner object as a client that is not ours might send it: the program's own texts."""
    del need
    document = json.loads(program.source)
    work = {key: document[key] for key in ("experiment", "circuit", "input_state", "noise") if key in document}
    work |= {"command": document["command"], "max_shots": SHOTS, "parameters": document.get("parameters") or {}}
    work |= {"iterator": [{"circuit_params": dict(point)}]} if point else {}
    return {"work": work, "figures": {}, "real": False}


_PULSER, _PERCEVAL, _AHS = (Format.PULSER,), (Format.PERCEVAL,), (Format.AHS,)
ROOMS: Final = (
    Room(name="local gate", target="backends.local.run_gate:run", formats=_GATE, request=_local("exact")),
    Room(name="local aer", target="backends.local.run_gate:run", formats=_GATE, request=_local("aer")),
    Room(name="local pulser", target="backends.local.run_pulser:run", formats=_PULSER, request=_local("")),
    Room(name="local perceval", target="backends.local.run_perceval:run", formats=_PERCEVAL, request=_local("")),
    Room(name="local ahs", target="backends.local.run_ahs:run", formats=_AHS, request=_local("")),
    Room(
        name="braket translator",
        target="backends.braket.translate:translate",
        formats=(*_GATE, *_PULSER),
        request=_braket,
    ),
    Room(
        name="braket sandbox",
        target="backends.braket.sandbox.simulate:simulate",
        formats=(Format.OPENQASM3, Format.AHS),
        request=_braket_sandbox,
    ),
    Room(name="pasqal translator", target="backends.pasqal.retarget:retarget", formats=_PULSER, request=_pasqal),
    Room(
        name="pasqal sandbox",
        target="backends.pasqal.sandbox.simulate:answer",
        formats=_PULSER,
        request=_pasqal_sandbox,
    ),
    Room(
        name="quandela translator",
        target="backends.quandela.desk:serve",
        formats=(*_GATE, *_PERCEVAL),
        request=_quandela,
    ),
    Room(
        name="quandela sandbox",
        target="backends.quandela.sandbox.engine:run",
        formats=_PERCEVAL,
        request=_quandela_sandbox,
    ),
)


class Children:
    """Warm children, the few that were used last; each is one confined process with the watched target."""

    def __init__(self) -> None:
        self._alive: OrderedDict[str, Child] = OrderedDict()
        self._runs = 0

    def run(self, room: Room, program: Program, need: Requirement, draw: Random) -> Ran:
        """The program's end in that room."""
        point = {name: float(draw.choice((0.0, 0.5, 1.0, 400.0))) for name in need.parameters[:64]}
        call = {"request": room.request(program, need, point), "program": program.source}
        # A few programs to a process, as a project's come: what one leaves behind, the next may meet.
        owner, self._runs = f"project {self._runs // _TOGETHER}", self._runs + 1
        try:
            answer = self._child(room).call(call, owner=owner)
        except ChildKilled as killed:
            lines = killed.tail.splitlines()
            heard = tuple(line for line in lines if line.startswith(HEARD))
            return Ran(room=room.name, killed=killed.reason, heard=heard, answer=killed.tail)
        except ChildError as error:
            return Ran(room=room.name, answer=f"{error} {error.tail}")
        return Ran(room=room.name, heard=tuple(answer["heard"]), answer=json.dumps(answer))

    def close(self) -> None:
        while self._alive:
            self._alive.popitem()[1].close()

    def _child(self, room: Room) -> Child:
        child = self._alive.pop(room.target, None)
        if child is None:
            child = Child(WATCHED, LIMITS, env={"QSUBMIT_FUZZ_TARGET": room.target})
        self._alive[room.target] = child
        while len(self._alive) > _ALIVE:
            self._alive.popitem(last=False)[1].close()
        return child
