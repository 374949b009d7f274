"""How do workers reach the local simulators? Six verbs over the host's socket, and each of them for many at once."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from backends.base import Backend, Outcome, Phase, Recovery, Snapshot
from backends.errors import BackendError, Busy, OutcomeUnknown, Refused, UnknownJob
from backends.local import devices, machine
from backends.local.caller import TALK_S, Caller, NotRunning
from backends.local.specs import specs_of
from backends.local.weigh import weight
from backends.local.wire import Json
from backends.status_words import StatusWords
from backends.translation import in_time
from broker.domain.host import Capacity
from broker.domain.ids import RemoteId
from broker.domain.price import Usage
from broker.domain.result import Outcomes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from backends.base import Order
    from broker.domain.device import Device
    from broker.domain.host import Weight
    from broker.domain.requirement import Requirement
    from broker.domain.specs import Specs

_WORDS = StatusWords("the local host", {phase.value: phase for phase in Phase})
_CHUNK = 256
_MAX_RUN_S = 120.0
_CAPACITY = ("cores", "free_cores", "memory_bytes", "free_memory_bytes", "backlog_s")
# A host that takes longer to say hello stands still, or its machine does: it must not be taken for a living one.
HELLO_S = 5.0


def backend(*, data: Path, environ: Mapping[str, str]) -> LocalBackend | None:
    """The entry point; ``QSUBMIT_LOCAL_*`` bound a run, the memory of all runs, and a host that nobody needs."""
    if not devices.installed(("qiskit", "qiskit_aer")):
        return None
    return LocalBackend(
        data=data,
        environ=environ,
        max_run_s=float(environ.get("QSUBMIT_LOCAL_MAX_RUN_S", _MAX_RUN_S)),
        idle_s=float(environ.get("QSUBMIT_LOCAL_IDLE_S", "60")),
        memory_bytes=int(environ.get("QSUBMIT_LOCAL_MEMORY_BYTES", "0")),
    )


class LocalBackend(Backend):
    """The client of the host in ``data``; any number of them, in any number of processes, share that host."""

    name = devices.NAME
    recovery = Recovery.RERUN
    poll_floor_s = 0.02
    at_once = 1024
    tells_ends = True
    runs_here = True

    def __init__(
        self, *, data: Path, environ: Mapping[str, str], max_run_s: float, idle_s: float, memory_bytes: int
    ) -> None:
        bounds = ("--max-run-s", str(max_run_s), "--idle-s", str(idle_s), "--memory-bytes", str(memory_bytes))
        self._max_run_ms = int(max_run_s * 1000)
        self._memory_bytes = memory_bytes
        self._caller = Caller(data, bounds, environ)

    def devices(self) -> Sequence[Device]:
        return devices.offered(max_run_ms=self._max_run_ms, waiting=self._waiting())

    def specs(self, device: Device) -> Specs | None:
        return specs_of(device)

    def submit(self, order: Order) -> RemoteId:
        (found,) = self.submit_many([order])
        if isinstance(found, BackendError):
            raise found
        return found

    def submit_many(self, orders: Sequence[Order]) -> list[RemoteId | BackendError]:
        """An id or an error for each, in order; all on the way before the first answer is read."""
        chunks = [_submission(orders[at : at + _CHUNK]) for at in range(0, len(orders), _CHUNK)]
        left = min(in_time(order) for order in orders)
        answers = self._caller.ask_all("submit", chunks, timeout_s=left, start=True)
        return [_taken(one) for chunk in answers for one in chunk]

    def find(self, token: str) -> Sequence[RemoteId]:
        (found,) = self._ask_running("find", [token], default=[[]])
        return [RemoteId(remote_id) for remote_id in found]

    def poll(self, remote_ids: Sequence[RemoteId]) -> Mapping[RemoteId, Snapshot]:
        lost = [["lost", "the local host is not running", None, None, None]] * len(remote_ids)
        (looks,) = self._ask_running("poll", [list(remote_ids)], default=[lost])
        return {
            remote_id: Snapshot(
                phase=_WORDS.phase_of(word),
                word=word,
                message=message,
                queue_position=position,
                usage=_spent(word, used_ms),
                code=code,
            )
            for remote_id, (word, message, position, used_ms, code) in zip(remote_ids, looks, strict=True)
        }

    def wait(self, remote_ids: Sequence[RemoteId], timeout_s: float, *, need: int = 1) -> Sequence[RemoteId]:
        """Return when ``need`` of them have ended, or time is over: those that have ended, lost ones among them."""
        asked = {"ids": list(remote_ids), "timeout_s": timeout_s, "need": min(need, len(remote_ids))}
        (ended,) = self._ask_running("wait", [asked], default=[remote_ids], timeout_s=timeout_s + 30)
        return [RemoteId(remote_id) for remote_id in ended]

    def fetch(self, remote_id: RemoteId) -> Outcome:
        (found,) = self.fetch_many([remote_id])
        if isinstance(found, BackendError):
            raise found
        return found

    def fetch_many(self, remote_ids: Sequence[RemoteId]) -> list[Outcome | BackendError]:
        """An outcome or an error for each, in order."""
        chunks = [list(chunk) for chunk in _chunks(remote_ids)]
        lost = [[{"phase": "lost"}] * len(chunk) for chunk in chunks]
        answers = self._ask_running("fetch", chunks, default=lost)
        found = (answer for chunk in answers for answer in chunk)
        return [_outcome(remote_id, answer) for remote_id, answer in zip(remote_ids, found, strict=True)]

    def cancel(self, remote_id: RemoteId) -> None:
        self._ask_running("cancel", [[remote_id]], default=None)

    def close(self) -> None:
        self._caller.close()

    def capacity(self) -> Capacity:
        """A host that is not running has all that it will have when it is started."""
        (hello,) = self._ask_running("hello", [None], default=[None], timeout_s=HELLO_S)
        if hello is None:
            cores, memory = machine.cores(), self._memory_bytes or machine.free_memory_bytes()
            return Capacity(cores=cores, free_cores=cores, memory_bytes=memory, free_memory_bytes=memory)
        return Capacity(**{name: hello[name] for name in _CAPACITY})

    def weigh(self, device: str, need: Requirement, *, method: str, memory_bytes: int) -> Weight:
        """As the host will choose, but for what only the text tells."""
        return weight(device, need, method=method, memory_bytes=memory_bytes)

    def _waiting(self) -> int:
        (hello,) = self._ask_running("hello", [None], default=[{"waiting": 0}])
        return int(hello["waiting"])

    def _ask_running(self, verb: str, arguments: Sequence[Any], *, default: Json, timeout_s: float = TALK_S) -> Json:
        """A host that is not there knows no job: nothing to start it for."""
        for last in (False, True):
            try:
                return self._caller.ask_all(verb, arguments, timeout_s=timeout_s)
            except NotRunning:
                return default
            except OutcomeUnknown as error:
                # Cut off: to ask again changes nothing, and tells whether it is there at all.
                if last or not isinstance(error.__cause__, ConnectionError):
                    raise Busy(str(error), retry_after=0.1) from error
        return default


def _submission(orders: Sequence[Order]) -> dict[str, Any]:
    """Each program once, however many orders share it."""
    programs: dict[str, dict[str, Any]] = {}
    asked = []
    for order in orders:
        program = order.program
        if program.sha256 not in programs:
            need = _need(order.requirement)
            programs[program.sha256] = {"format": program.format.value, "source": program.source, "need": need}
        asked.append(
            {
                "program": program.sha256,
                "device": order.device.name,
                "token": order.token,
                "shots": order.shots,
                "points": order.points,
                "seed": order.seed,
                "method": order.options.get("method", ""),
                "owner": (order.organisation, order.project, order.member),
            }
        )
    return {"programs": programs, "orders": asked}


def _need(need: Requirement) -> list[Any]:
    """In the order that the host reads."""
    figures = [need.width, need.operations, need.multi_qubit_gates, need.entangling_cut, need.clifford, need.dynamic]
    return [*figures, need.duration_us, need.photons, need.bits if need.registers else need.width]


def _taken(answer: Json) -> RemoteId | BackendError:
    if isinstance(answer, str):
        return RemoteId(answer)
    if "busy" in answer:
        return Busy(answer["busy"], retry_after=1.0)
    return Refused(answer["refused"], code=answer["code"])


def _spent(word: str, used_ms: float | None) -> Usage | None:
    """A run that failed, was killed or cancelled is charged for what it used; one with a result has it there."""
    ended = word in {Phase.FAILED, Phase.CANCELLED} and used_ms is not None
    return Usage(run_ms=math.ceil(used_ms)) if ended and used_ms else None


def _outcome(remote_id: RemoteId, answer: dict[str, Any]) -> Outcome | BackendError:
    phase = answer["phase"]
    if phase == "lost":
        return UnknownJob(f"the local host does not know {remote_id}")
    if phase in {"queued", "running"}:
        return Busy(f"{remote_id} is {phase}", retry_after=0.1)
    error = answer.get("error")
    if phase != "done":
        told = error or {"message": f"{remote_id} was {phase}"}
        where = {name: told.get(name) for name in ("line", "column", "pointer")}
        return Refused(told["message"], code=told.get("code") or "backend_refused", **where)
    counts = answer["counts"]
    raw = {name: answer[name] for name in ("engine", "seed", "run_ms", "shots")}
    return Outcome(
        points=tuple(Outcomes(counts=one, bindings=point) for one, point in zip(counts, answer["points"], strict=True)),
        usage=Usage(shots=answer["shots"] * len(counts), run_ms=math.ceil(answer["run_ms"])),
        raw=json.dumps(raw),
        engine=answer["engine"],
        software=answer["software"],
        warnings=tuple(answer.get("warnings", ())),
        run_started_at=answer["started_at"],
        run_ended_at=answer["ended_at"],
    )


def _chunks(remote_ids: Sequence[RemoteId]) -> Iterator[Sequence[RemoteId]]:
    return (remote_ids[at : at + _CHUNK] for at in range(0, len(remote_ids), _CHUNK))
