"""What if the vendor were the real adapter and its sandbox? The stage's faults become the sandbox's own, on the wire.

Each verb is one real conversation, during which nobody else acts; what it would have taken passes on the stage. The
ledger is the sandbox's: it is read, never written here.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from backends.base import Backend
from backends.errors import BackendError, Refused
from broker.domain.device import Kind
from broker.domain.money import Money
from broker.domain.recovery import Recovery
from tests.simulation.sandbox_site import RUNS, Row, Site
from tests.simulation.scenery import price_of
from tests.simulation.stage import Violation
from tests.simulation.treatment import SECOND
from tests.simulation.vendor import TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from backends.base import Order, Outcome, Snapshot
    from broker.domain.device import Device
    from broker.domain.ids import RemoteId
    from tests.simulation.sandbox_plan import SandboxPlan
    from tests.simulation.world import World

# A late request is cut off before the vendor sees it, and handed over when its time has come.
LATE = frozenset({"late_in", "late_out"})
CREATES: dict[str, tuple[str, ...]] = {
    "busy": ("throttle", "unavailable"),
    "unauthorized": ("unauthorized",),
    "reset_before": ("drop_before", "error_before"),
    "lost": ("drop_after",),
    "error_after": ("error_after", "bad_gateway_after", "truncate"),
    "surprise": ("garble",),
    "late_in": ("drop_before",),
    "late_out": ("drop_before",),
}
TALKS: dict[str, tuple[str, ...]] = {
    "error": ("invalid", "error_before", "unavailable", "truncate", "garble"),
    "timeout": ("drop_after",),
    "busy": ("throttle",),
    "unauthorized": ("unauthorized",),
    "refused": ("invalid",),
}
# boto3 waits in real time before it asks again, so there only what it takes for an answer.
ANSWERS = ("invalid", "unauthorized")
HELD = 1_000_000.0
MOST_NAPS = 8


class Sandboxed(Backend):
    """A vendor for one schedule, in the place of the fake one."""

    reply = SECOND // 5

    def __init__(self, world: World, site: Site, plan: SandboxPlan) -> None:
        self.backend: Any = site.backend
        self.name = self.backend.name
        self.recovery = self.backend.recovery
        self.poll_floor_s = self.backend.poll_floor_s
        self.ledger: dict[RemoteId, Row] = {}
        self.refused: set[str] = set()
        self.heard: set[RemoteId] = set()
        self.pending = 0
        self._world = world
        self._stage = world.stage
        self._site = site
        self._faults = plan.faults
        self._currency = price_of(world.device).currency
        self._held = plan.held is not None
        self._naps = 0
        knobs = {plan.held: HELD} if plan.held else {}
        site.reset(fail_rate=plan.fails, noise=False, **knobs)
        if plan.held:
            self._stage.at(plan.held_until, "vendor", self._let_run)

    def _let_run(self) -> None:
        self._held = False
        self._site.turn(queue_delay=0.0, run_delay=0.0)
        self._world.say("the vendor lets its jobs run")

    # -- the vendor's side ---------------------------------------------------------------------------------------

    def notice(self) -> None:
        """Read the vendor's own book; what is new there is judged at once."""
        tokens = {attempt.token for attempt in self._world.store.tables["attempts"].values()}
        for row in self._site.rows(tokens):
            known = self.ledger.get(row.remote_id)
            if known is None:
                row.accepted_at = self._stage.now
                self.ledger[row.remote_id] = row
                self._world.checks.created(row)
            else:
                self._charged(known, row)

    def _charged(self, known: Row, row: Row) -> None:
        known.micros = row.micros

    def settle(self) -> None:
        """After the last event: let what still runs there end, and look at everything once more."""
        self.notice()
        self._run_out([row.remote_id for row in self.ledger.values() if not row.gone])
        self.notice()

    def _run_out(self, remote_ids: Sequence[RemoteId]) -> None:
        """Let real time pass until they have ended, if nothing holds them."""
        while remote_ids and any(each.phase in RUNS for each in self._look(remote_ids).values()) and not self._held:
            time.sleep(0.005)

    def bill(self, row: Row) -> Money:
        """What it has charged for a job, in its own currency."""
        return Money(currency=self._currency, micros=row.micros)

    def without_result(self, _: Row) -> bool:
        """A sandbox keeps what it has run."""
        return False

    def told(self, _: Row) -> bool:
        """So nobody needs to know this."""
        return False

    def alive(self, tokens: Collection[str]) -> list[RemoteId]:
        """All that it ever accepted for these tokens: none of them may have a second."""
        return [row.remote_id for row in self.ledger.values() if row.token in tokens and not row.gone]

    def console(self, token: str) -> list[RemoteId]:
        """What an operator finds in the vendor's book under a job's name."""
        self.notice()
        return self.alive({token})

    def is_behind(self) -> bool:
        """Whether a request may still land."""
        return self.pending > 0

    # -- the adapter's side --------------------------------------------------------------------------------------

    def devices(self) -> Sequence[Device]:
        return tuple(self._world.devices.values())

    def submit(self, order: Order) -> RemoteId:
        # A token vendor may be sent to as late as one likes; and what it got under which token, its ledger says.
        if self.recovery is not Recovery.TOKEN:
            self._world.checks.sending(order.token)
        else:
            self._world.checks.wanted(order.token)
        fault = self._faults.submit()
        self._stage.sleep(self._faults.landing() if fault == "stalled" else self.reply)
        reply = self._create(order, fault)
        self._world.say(f"{self.name}: create, {fault}: {reply!r}")
        self.notice()
        self._wait(order, fault)
        if isinstance(reply, BackendError):
            if isinstance(reply, Refused):
                self.refused.add(order.token)
            raise reply
        self.heard.add(reply)
        return reply

    def _create(self, order: Order, fault: str) -> RemoteId | BackendError:
        with self._site.turned(**self._knobs(order, fault)):
            return self._one(order)

    def _one(self, order: Order) -> RemoteId | BackendError:
        try:
            found: RemoteId = self.backend.submit(order)
        except BackendError as error:
            return error
        except Exception as error:
            raise Violation(f"the adapter of {self.name} let {error!r} out of a create") from error
        return found

    def _knobs(self, order: Order, fault: str) -> dict[str, Any]:
        if fault == "refused":
            paid = order.device.kind is Kind.QPU and self._world.rng.random() < 0.5
            return {"insufficient_credit": True} if paid else {"retired": [order.device.vendor_id]}
        if fault == "busy" and self._world.rng.random() < 0.3:
            return {"offline": [order.device.vendor_id]}
        if fault not in CREATES:
            return {}
        return {"faults": [{"trouble": self._world.rng.choice(CREATES[fault]), "on": "create"}]}

    def _wait(self, order: Order, fault: str) -> None:
        """What the worker waits for an answer, or for none; a request on its way is not lost."""
        if fault in LATE:
            self.pending += 1
            self._stage.at(self._stage.now + self._faults.landing(), "late request", lambda: self._land(order))
        if fault in LATE or fault == "lost":
            self._stage.sleep(TIMEOUT)
        if fault == "late_reply":
            self._stage.sleep(self._faults.landing())

    def _land(self, order: Order) -> None:
        self.pending -= 1
        self._world.say(f"{self.name}: the late request lands: {self._one(order)!r}")
        self.notice()
        self._run_out([row.remote_id for row in self.ledger.values() if row.token == order.token])

    def find(self, token: str) -> Sequence[RemoteId]:
        found: Sequence[RemoteId] = self._talk("find", lambda: self.backend.find(token))
        return found

    def poll(self, remote_ids: Sequence[RemoteId]) -> Mapping[RemoteId, Snapshot]:
        seen: Mapping[RemoteId, Snapshot] = self._talk("poll", lambda: self._look(remote_ids))
        if not self._held and any(snapshot.phase in RUNS for snapshot in seen.values()):
            self._nap(remote_ids)
        return seen

    def _nap(self, remote_ids: Sequence[RemoteId]) -> None:
        """It runs in real time, and the stage's must not run out before a busy machine is done with it."""
        self._naps += 1
        if self._naps > MOST_NAPS:
            self._run_out(remote_ids)
        else:
            time.sleep(0.002 * self._naps)

    def _look(self, remote_ids: Sequence[RemoteId]) -> Mapping[RemoteId, Snapshot]:
        seen: Mapping[RemoteId, Snapshot] = self.backend.poll(remote_ids)
        for remote_id, snapshot in seen.items():
            if remote_id in self.ledger:
                self.ledger[remote_id].seen = snapshot.phase
        return seen

    def fetch(self, remote_id: RemoteId) -> Outcome:
        fetched: Outcome = self._talk("fetch", lambda: self.backend.fetch(remote_id))
        return fetched

    def cancel(self, remote_id: RemoteId) -> None:
        self._talk("cancel", lambda: self.backend.cancel(remote_id))

    def close(self) -> None:
        pass

    def _talk(self, verb: str, conversation: Callable[[], Any]) -> Any:
        fault = self._faults.talk(verb)
        self._stage.sleep(TIMEOUT if fault == "timeout" else self.reply)
        with self._site.turned(**self._wrong(fault)):
            try:
                found = conversation()
            except BackendError as error:
                self._world.say(f"{self.name}: {verb}, {fault}: {error!r}")
                raise
            except Exception as error:
                raise Violation(f"the adapter of {self.name} let {error!r} out of {verb}") from error
        if self._world.traced:
            self._world.say(f"{self.name}: {verb}: {found!r:.200}")
        return found

    def _wrong(self, fault: str) -> dict[str, Any]:
        if fault == "word":
            return {"status_word": "PENDING_MAYBE"}
        if fault not in TALKS:
            return {}
        troubles = ANSWERS if self.name == "braket" and fault != "refused" else TALKS[fault]
        return {"faults": [{"trouble": self._world.rng.choice(troubles), "on": "any", "times": -1}]}
