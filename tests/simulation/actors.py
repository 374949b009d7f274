"""Who acts? Clients, gateways, workers that crash and start again, and an operator; each calls the real code."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from backends.errors import BackendError
from broker.crash import crashpoint
from broker.domain.errors import BudgetExceeded, IdempotencyMismatch, NotCancellable, QsubmitError
from broker.domain.lifecycle import JobState
from broker.domain.terms import Terms
from broker.services import attend, cancel
from broker.services.submit import Admitted, Admitter
from tests.simulation.fake_store import Deadlock, Locked
from tests.simulation.scenery import MEMBER, submission
from tests.simulation.stage import Crash, Violation
from tests.simulation.treatment import SECOND
from workers import rounds, sweep
from workers.drive import Driver

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulation.machines import Machine
    from tests.simulation.wishes import Wish
    from tests.simulation.world import World

# A result is given up for lost after an hour here: a week of looks would be a thousand steps.
TERMS = Terms(stay=timedelta(milliseconds=200), result_patience=timedelta(hours=1))
SCAN = 2 * SECOND
MINUTE = 60 * SECOND
BUSY = (Locked, Deadlock)


class Worker:
    """A worker process: looks when a bell rings or a scan is due; when it dies, a supervisor starts another."""

    def __init__(self, world: World, name: str, machine: Machine | None = None) -> None:
        self.name = name
        self.machine = machine
        self.busy = False
        self._world = world
        self._life = 0
        self._up = True
        self._wake: int | None = None
        self._rung: list[str] | None = None
        self._start()

    def _start(self) -> None:
        self._life += 1
        self._up = True
        world = self._world
        self.owner = f"{self.name}.{self._life}"
        vendor = world.vendor if self.machine is None else self.machine.backend
        self._driver = Driver(
            store=world.store,
            backends={world.vendor.name: vendor},
            owner=self.owner,
            terms=TERMS,
            clock=world.clock,
            devices=lambda: world.devices,
            heart=None if self.machine is None else self.machine.heart,
        )

    def _restart(self) -> None:
        self._start()
        self._world.say("started again")
        self.look(())
        self._world.replan()

    def hear(self, rung: tuple[str, ...]) -> Callable[[], None]:
        """What a doorbell does."""
        return partial(self._heard, rung)

    def _heard(self, rung: tuple[str, ...]) -> None:
        if self.busy:
            self._rung = [*(self._rung or ()), *rung]
        else:
            self.look(rung)

    def plan(self, due: int) -> None:
        """Scan at the first scan after ``due``."""
        if self._wake is not None and self._wake <= due:
            return
        at = max(due, self._world.stage.now) + 1 + int(self._world.rng.random() * SCAN)
        if self._wake is None or at < self._wake:
            self._wake = at
            self._world.stage.at(at, self.name, partial(self._scan, at))

    def _scan(self, at: int) -> None:
        if at != self._wake:
            return
        self._wake = None
        if self.busy or not self._up:
            return
        due = self._world.next_work()
        if due is None or due > at:
            self._world.replan()  # somebody else was faster: this scan would find nothing
        else:
            self.look(())

    def look(self, rung: tuple[str, ...]) -> None:
        """One tick of the real driver."""
        if not self._up or self._is_dead():
            return
        self.busy = True
        try:
            taken = self._driver.tick(rung)
            if taken and self._world.traced:
                self._world.say(f"took {taken}")
        except Crash:
            self._die()
        except BUSY as error:
            self._world.failed_ticks += 1
            self._world.say(f"tick failed: {type(error).__name__}")
            self._world.stage.at(self._world.stage.now + SECOND, self.name, self._world.replan)
        else:
            self._world.checks.idle(self.owner)
        finally:
            self.busy = False
        self._after()

    def _is_dead(self) -> bool:
        return self.machine is not None and self.machine.dead

    def _after(self) -> None:
        if not self._up:
            return
        if self._rung is not None:
            rung, self._rung = tuple(self._rung), None
            self._world.stage.at(self._world.stage.now, self.name, partial(self._heard, rung))
        self._world.replan()

    def _die(self) -> None:
        self._up = False
        self._rung = None
        if not self._is_dead():
            self._world.stage.at(self._world.soon(5 * SECOND), self.name, self._restart)

    def sweep(self) -> bool:
        """The orphan sweep of the real rounds; whether it ran."""
        world = self._world
        try:
            with world.store.write() as work:
                taken = work.leases.take("sweep", self.owner, world.clock(), rounds.SWEEP_EVERY / 2)
            if taken is None:
                return False
            found = sweep.sweep(world.store, world.vendor, world.clock(), patience=TERMS.result_patience)
        except (*BUSY, BackendError) as error:
            world.say(f"sweep failed: {type(error).__name__}")
            return False
        world.say(f"swept: {found} orphans are not booked yet")
        return True


class Gateway:
    """A gateway process; when it dies, its clients hear nothing."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._admitter = Admitter(world.store, world.clock)

    def submit(self, wish: Wish, key: str) -> Admitted | QsubmitError:
        """What the API's door and the writer do with one request."""
        world = self._world
        asked = submission(
            world.device,
            world.piece,
            shots=wish.shots,
            most=world.plan.most,
            key=key,
            deadline=wish.deadline,
            at=world.clock(),
        )
        try:
            crashpoint("gateway.received")
            (answer,) = self._admitter.admit([asked])
            crashpoint("gateway.after_ring")
        except Crash:
            self._admitter = Admitter(world.store, world.clock)
            raise
        return answer


class Client:
    """A member's program: sends with an Idempotency-Key until it hears an answer, then perhaps cancels."""

    def __init__(self, world: World, number: int, wish: Wish) -> None:
        self.key = f"key-{number}"
        self.wish = wish
        self.job: str | None = None
        self.waits = True
        self.refused = False
        self._world = world
        self._again = wish.again

    def send(self) -> None:
        world = self._world
        try:
            answer = world.rng.choice(world.gateways).submit(self.wish, self.key)
        except Crash:
            world.stage.at(world.soon(), "client", self.send)
            return
        except BUSY:
            world.stage.at(world.soon(), "client", self.send)
            return
        world.say(f"{self.key} is answered: {_told(answer)}")
        if isinstance(answer, Admitted):
            self._acknowledged(answer)
        elif isinstance(answer, BudgetExceeded) and self.job is None:
            self.refused, self.waits = True, False
        else:
            raise Violation(f"1: {self.key} was answered {answer!r}")

    def _acknowledged(self, answer: Admitted) -> None:
        world = self._world
        if self.job not in (None, answer.job.id):
            raise Violation(f"1: {self.key} made {self.job} and {answer.job.id}")
        self.job = answer.job.id
        if self._again:
            self._again = False
            world.stage.at(world.soon(2 * MINUTE), "client", self.send)
            world.stage.at(world.soon(2 * MINUTE), "client", self._send_other)
        elif self.wish.cancel_at is not None and self.waits:
            world.stage.at(self.wish.cancel_at, "client", self._cancel)
        self.waits = False

    def _send_other(self) -> None:
        """The same key with another body is refused."""
        world = self._world
        asked = submission(world.device, world.piece, shots=7, most=None, key=self.key, deadline=None, at=world.clock())
        try:
            (answer,) = Admitter(world.store, world.clock).admit([asked])
        except (Crash, *BUSY):
            return
        if not isinstance(answer, IdempotencyMismatch):
            raise Violation(f"1: {self.key} with another body was answered {answer!r}")

    def _cancel(self) -> None:
        world = self._world
        try:
            job = cancel.cancel(world.store, MEMBER, self.job or "", at=world.clock())
            world.say(f"cancel of {self.key}: {job.state}")
            if not world.store.tables["jobs"][job.id].cancel_requested:
                raise Violation(f"lost: the cancel of {job.id} was acknowledged and is not there")
        except NotCancellable:
            world.say(f"cancel of {self.key}: too late")
        except (Crash, *BUSY):
            world.stage.at(world.soon(), "client", self._cancel)


def _told(answer: Admitted | QsubmitError) -> str:
    if isinstance(answer, Admitted):
        return f"202 {answer.job.id[-6:]}{' again' if answer.repeated else ''}"
    return answer.code


class Operator:
    """Looks into the vendor's console for jobs in attention, and adopts or releases; not before all is quiet."""

    def __init__(self, world: World) -> None:
        self.released: set[str] = set()
        self._called: set[str] = set()
        self._world = world

    def call(self, job: str) -> None:
        """A job is in attention."""
        world = self._world
        if world.plan.operator and job not in self._called:
            self._called.add(job)
            world.stage.at(world.stage.now + 11 * MINUTE + int(world.rng.random() * 20 * MINUTE), "operator",
                           partial(self._look, job))  # fmt: skip

    def _look(self, job: str) -> None:
        world = self._world
        self._called.discard(job)
        attempts = [a for a in world.store.tables["attempts"].values() if a.job == job]
        attempt = max(attempts, key=lambda each: each.number)
        seen = world.vendor.console(attempt.token)
        careless = attempt.remote_id is not None and world.rng.random() < 0.3
        try:
            if seen and not careless:
                attend.adopt(world.store, MEMBER, job, seen[0], "seen in the console", at=world.clock())
                world.say(f"adopts {seen[0]}")
            else:
                attend.release(world.store, MEMBER, job, "not in the console", at=world.clock())
                self.released.add(job)
                world.say("releases the hold")
                if careless:
                    raise Violation(f"unaccounted: {attempt.remote_id} was released although its id was known")
        except QsubmitError as error:
            world.say(f"operator: {error}")
            if world.store.tables["jobs"][job].state is JobState.ATTENTION:
                self.call(job)
        except (Crash, *BUSY):
            self.call(job)
