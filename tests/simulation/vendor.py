"""What does a vendor do, and what does it charge? Fakes of all four recovery classes, each with its own ledger.

The ledger is the oracle: it is written when the vendor accepts a request, whether or not anybody hears of it, and
never by our code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from backends.base import Backend, Outcome, Phase, Recovery, Snapshot
from backends.errors import BackendError, Busy, OutcomeUnknown, Refused, Unauthorized, UnknownJob, UnknownStatus
from broker.domain.ids import RemoteId
from broker.domain.money import Money
from broker.domain.price import charge
from broker.domain.result import Outcomes
from tests.simulation.scenery import price_of
from tests.simulation.treatment import SECOND, Accepted, Manner

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from backends.base import Order
    from broker.domain.device import Device
    from tests.simulation.stage import Stage
    from tests.simulation.world import World

TIMEOUT = 30 * SECOND
GAP = 60 * SECOND
ALIVE = frozenset({Phase.QUEUED, Phase.RUNNING, Phase.DONE})


class Faults:
    """What goes wrong with the next conversation; the schedule decides."""

    def submit(self) -> str:
        return "ok"

    def talk(self, verb: str) -> str:
        return "ok"

    def landing(self) -> int:
        return 0

    def lag(self) -> int:
        return 0

    def manner(self) -> Manner:
        return Manner()


class Vendor(Backend):
    """A vendor and the adapter to it, in one. ``created`` is told of every line of the ledger as it is written."""

    @classmethod
    def of(cls, world: World) -> Self:
        """The vendor of a schedule."""
        plan, checks = world.plan, world.checks
        return cls(world.stage, plan.recovery, world.devices, plan.faults, checks.created, checks.sending)

    def __init__(
        self, stage: Stage, recovery: Recovery, devices: Mapping[str, Device], faults: Faults,
        created: Callable[[Accepted], None], sending: Callable[[str], None],
    ) -> None:  # fmt: skip
        self.name = next(iter(devices.values())).backend
        self.recovery = recovery
        self.poll_floor_s = 0.02 if recovery is Recovery.RERUN else 5.0
        self.reply = SECOND // 1000 if recovery is Recovery.RERUN else SECOND // 5
        self.ledger: dict[RemoteId, Accepted] = {}
        self.refused: set[str] = set()
        self.heard: set[RemoteId] = set()
        self.pending = 0
        self.stage = stage
        self.faults = faults
        self._devices = devices
        self._created = created
        self._sending = sending

    # -- the vendor's side ---------------------------------------------------------------------------------------

    def accept(self, token: str, device: str, shots: int) -> RemoteId:
        """Create a job; a vendor of the token class answers a token that it knows with the job that it has."""
        if self.recovery is Recovery.TOKEN:
            for line in self.ledger.values():
                if line.token == token:
                    return line.remote_id
        now = self.stage.now
        remote_id = RemoteId(f"{self.name}-{len(self.ledger) + 1}")
        line = Accepted(
            remote_id=remote_id,
            token=token,
            device=device,
            shots=shots,
            manner=self.faults.manner(),
            accepted_at=now,
            listed_at=now + self._lag(),
        )
        self.ledger[remote_id] = line
        self._created(line)
        return remote_id

    def _lag(self) -> int:
        """Lists lag behind: any time for the token class, less than the gap between two looks for the tag class."""
        if self.recovery not in (Recovery.TOKEN, Recovery.TAG):
            return 0
        lag = self.faults.lag()
        return lag if self.recovery is Recovery.TOKEN else min(lag, GAP - 10 * SECOND)

    def bill(self, line: Accepted) -> Money:
        """What the vendor's invoice will say of a job, in its own currency."""
        usage, price = line.usage(self.stage.now), price_of(self._devices[line.device])
        return Money(currency=price.currency, micros=0) if usage is None else charge(price, usage)

    def without_result(self, line: Accepted) -> bool:
        """Whether nobody can ever read its result."""
        return line.manner.result != "kept"

    def told(self, line: Accepted) -> bool:
        """Whether it says in its status what it bills for a job that is done."""
        return line.manner.says

    def alive(self, tokens: Collection[str]) -> list[RemoteId]:
        """The jobs of these tokens that it bills, or will."""
        now, lines = self.stage.now, self.ledger.values()
        return [x.remote_id for x in lines if x.token in tokens and not x.gone and x.phase(now) in ALIVE]

    def console(self, token: str) -> list[RemoteId]:
        """What an operator sees who looks for a job by its name."""
        return [line.remote_id for line in self.ledger.values() if line.token == token and not line.gone]

    def is_behind(self) -> bool:
        """Whether something may still land or be listed."""
        return self.pending > 0 or any(line.listed_at > self.stage.now for line in self.ledger.values())

    def forget(self) -> None:
        """It loses everything that it held."""
        for line in self.ledger.values():
            line.gone = True

    def _land(self, what: tuple[str, str, int], delay: int) -> None:
        """The request is on its way and nobody waits for it any more."""
        self.pending += 1

        def landed() -> None:
            self.pending -= 1
            self.accept(*what)

        self.stage.at(self.stage.now + delay, "late request", landed)

    # -- the adapter's side --------------------------------------------------------------------------------------

    def devices(self) -> Sequence[Device]:
        return tuple(self._devices.values())

    def submit(self, order: Order) -> RemoteId:
        self._sending(order.token)
        fault, stage = self.faults.submit(), self.stage
        token = order.token
        what = (token, order.device.name, order.shots * len(order.points))
        if fault == "ok":
            stage.sleep(self.reply)
            return self._heard(self.accept(*what))
        if fault in {"busy", "refused", "unauthorized"}:
            stage.sleep(self.reply)
            if fault == "busy":
                raise Busy("connection refused", retry_after=10.0)
            if fault == "unauthorized":
                raise Unauthorized("bad key")
            if self.recovery is not Recovery.TOKEN or not self.console(token):
                self.refused.add(token)
                raise Refused("not this program", code="program_invalid")
            return self.accept(*what)
        return self._doubtful(fault, what)

    def _heard(self, remote_id: RemoteId) -> RemoteId:
        self.heard.add(remote_id)
        return remote_id

    def _doubtful(self, fault: str, what: tuple[str, str, int]) -> RemoteId:
        stage = self.stage
        if fault in {"late_in", "late_out"}:
            self._land(what, self.faults.landing())
            stage.sleep(TIMEOUT)
            raise OutcomeUnknown("timed out")
        if fault == "reset_before":
            stage.sleep(self.reply)
            raise OutcomeUnknown("connection reset")
        if fault == "stalled":
            stage.sleep(self.faults.landing())  # the process stands still with the request half sent
            return self._heard(self.accept(*what))
        remote_id = self.accept(*what)
        if fault == "late_reply":
            stage.sleep(self.faults.landing())
            return self._heard(remote_id)
        stage.sleep(self.reply if fault != "lost" else TIMEOUT)
        if fault == "surprise":
            raise ValueError("the adapter stumbled over the reply")
        raise OutcomeUnknown("timed out" if fault == "lost" else "502 after the commit")

    def find(self, token: str) -> Sequence[RemoteId]:
        self._talk("find")
        if self.recovery is Recovery.BLIND:
            return ()
        now = self.stage.now
        return [
            line.remote_id
            for line in self.ledger.values()
            if line.token.startswith(token) and line.listed_at <= now and not line.gone
        ]

    def poll(self, remote_ids: Sequence[RemoteId]) -> Mapping[RemoteId, Snapshot]:
        self._talk("poll")
        return {remote_id: self._snapshot(remote_id) for remote_id in remote_ids}

    def _snapshot(self, remote_id: RemoteId) -> Snapshot:
        line, now = self.ledger.get(remote_id), self.stage.now
        if line is None or line.gone:
            return Snapshot(phase=Phase.LOST, word="404")
        phase = line.phase(now)
        speaks = phase in (Phase.FAILED, Phase.CANCELLED) or (phase is Phase.DONE and line.manner.says)
        usage = line.usage(now) if speaks else None
        return Snapshot(phase=phase, word=phase.value.upper(), usage=usage)

    def fetch(self, remote_id: RemoteId) -> Outcome:
        self._talk("fetch")
        line = self.ledger.get(remote_id)
        if line is None or line.gone:
            raise UnknownJob(f"no job {remote_id}")
        usage = line.usage(self.stage.now)
        if line.phase(self.stage.now) is not Phase.DONE or usage is None:
            raise BackendError(f"{remote_id} has no result")
        if line.manner.result == "purged":
            raise UnknownJob(f"the result of {remote_id} was purged")
        if line.manner.result == "unreadable":
            raise BackendError(f"the result of {remote_id} is garbled")
        return Outcome(points=(Outcomes(counts={"0": line.shots}),), usage=usage, raw=remote_id)

    def cancel(self, remote_id: RemoteId) -> None:
        self._talk("cancel")
        line, now = self.ledger.get(remote_id), self.stage.now
        if line is not None and line.manner.cancels and line.phase(now) in (Phase.QUEUED, Phase.RUNNING):
            line.stopped_at = now

    def close(self) -> None:
        pass

    def _talk(self, verb: str) -> None:
        fault = self.faults.talk(verb)
        self.stage.sleep(self.reply if fault != "timeout" else TIMEOUT)
        if fault in {"error", "timeout"}:
            raise BackendError(f"{verb} failed")
        if fault == "busy":
            raise Busy(f"{verb}: slow down", retry_after=20.0)
        if fault == "unauthorized":
            raise Unauthorized("bad key")
        if fault == "refused":
            raise Refused(f"{verb}: not like this")
        if fault == "word":
            raise UnknownStatus("PENDING_MAYBE")
