"""What if Pasqal stood on this machine? Its interface over QuTiP in child processes, with its own store and ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backends.pasqal.sandbox.accounts import Accounts
from backends.pasqal.sandbox.batches import Batches
from backends.pasqal.sandbox.billing import bill
from backends.pasqal.sandbox.machines import LANES, Machines
from backends.pasqal.sandbox.service import Service
from backends.pasqal.sandbox.shell import shell
from backends.sandboxing.database import Database
from backends.sandboxing.knobs import Knobs
from backends.sandboxing.ledger import Entry, Ledger
from backends.sandboxing.runner import Finished, Runner
from backends.sandboxing.serving import listen, serve_forever
from backends.sandboxing.tasks import Task, Tasks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Sandbox:
    """A Pasqal of our own. Simulators start with the first batch; a kill at any time loses nothing accepted."""

    def __init__(self, data: Path, knobs: Knobs | None = None) -> None:
        self.knobs = knobs or Knobs()
        self._database = Database(data / "pasqal.sqlite")
        self.ledger = Ledger(self._database)
        self._batches = Batches(self._database)
        self._tasks = Tasks(self._database, self.ledger, self._settle)
        self._machines = Machines(data)
        self._runner = Runner(self._tasks, self.knobs, self._run, lanes=LANES)
        self.service = Service(
            database=self._database,
            tasks=self._tasks,
            batches_kept=self._batches,
            ledger=self.ledger,
            knobs=self.knobs,
            accounts=Accounts(data),
            machines=self._machines,
            ring=self._runner.ring,
        )
        self.app = shell(self.service, self.knobs, self.ledger, forget=self.forget, ring=self._runner.ring)
        self._runner.start()

    def prepare(self) -> None:
        """Start a simulator before it is asked for."""
        self._machines.prepare()

    def forget(self) -> None:
        """Begin anew: no batch, no job, no ledger."""
        with self._database.write():
            self._tasks.clear()
            self._batches.clear()
            self.ledger.clear()

    def idle(self) -> bool:
        """Whether it may end now: nothing waits or runs here."""
        return self._runner.idle()

    def close(self) -> None:
        """End threads and children; what was accepted stays on disk."""
        self._runner.halt()
        self._machines.close()
        self._runner.stop()
        self._database.close()

    def _settle(self, job: Task) -> Entry | None:
        batch = self._batches.get(job.family)
        return bill(batch, self._tasks.family(batch.id)) if batch else None

    def _run(self, job: Task) -> Finished:
        return self._machines.run(job, self._batches.get)


def serve(
    *, data: Path, host: str, port: int, announce: Callable[[str], None] | None = None, rest_s: float | None = None
) -> None:
    """Serve until a signal; says ``ready URL`` when it does."""
    listener = listen(host, port)
    sandbox = Sandbox(data)
    sandbox.prepare()
    try:
        serve_forever(sandbox.app, listener, announce, idle=sandbox.idle, rest_s=rest_s)
    finally:
        sandbox.close()
