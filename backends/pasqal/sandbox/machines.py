"""Who computes in the sandbox? Child processes that start with the first batch; machines whose data are kept."""

from __future__ import annotations

import json
import threading
import time
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING

from backends.child import ChildError, ChildKilled, ChildPool
from backends.errors import Unreadable
from backends.outcome_check import counted
from backends.pasqal.devices import MIMICS, QPUS
from backends.pasqal.sandbox import simulate
from backends.sandboxing.runner import Finished, RunFailed
from backends.sandboxing.simulated import simulated

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from backends.pasqal.sandbox.batches import BatchRow
    from backends.sandboxing.tasks import Task

LANES = 2
_MILLISECONDS = 1000


class Machines:
    """The simulators, and the specifications of the machines that they play."""

    def __init__(self, data: Path) -> None:
        self._pool = ChildPool(simulate.TARGET, LANES, simulate.LIMITS)
        self._kept = data / "specs.json"
        self._making = threading.Lock()

    def specs(self) -> dict[str, str]:
        """Device name → specification; made once by Pulser, then read from the data directory."""
        with self._making:
            if not self._kept.exists():
                draft = self._kept.with_suffix(".draft")
                draft.write_text(json.dumps(_specs_of(self._pool.call({"ask": "specs"}))), encoding="utf-8")
                draft.replace(self._kept)
        specs: dict[str, str] = json.loads(self._kept.read_text(encoding="utf-8"))
        return specs

    def prepare(self) -> None:
        """Make the specifications in the background, so that the first client need not wait for Pulser."""

        def make() -> None:
            with suppress(ChildError, ChildKilled):
                self.specs()

        threading.Thread(target=make, name="pasqal-specs", daemon=True).start()

    def spec_of(self, device_type: str) -> str | None:
        """The specification whose limits and noise a device type has; None for a plain emulator."""
        machine = MIMICS.get(device_type, device_type)
        return self.specs().get(machine) if machine in QPUS else None

    def run(self, task: Task, batch_of: Callable[[str], BatchRow | None]) -> Finished:
        """Simulate one job; the same job gives the same counts again after a restart."""
        batch = batch_of(task.family)
        if batch is None:
            raise RunFailed("the batch is gone")
        request = {
            "ask": "run",
            "sequence": task.request["sequence"] or batch.sequence,
            "variables": task.request["variables"],
            "runs": task.request["runs"],
            "configuration": batch.configuration,
            "spec": self.spec_of(task.device),
            "seed": zlib.crc32(task.id.encode()),
        }
        started = time.monotonic()
        parts = ("counter", "serialised_results")
        document, _ = simulated(lambda: self._pool.call(request, owner=task.family), parts=parts)
        _check_counter(document["counter"], most=task.request["runs"])
        spent = int((time.monotonic() - started) * _MILLISECONDS)
        return Finished(result=json.dumps(document), run_ms=spent)

    def close(self) -> None:
        """End the children."""
        self._pool.close()


def _check_counter(counter: object, *, most: int | None) -> None:
    try:
        counted(counter, most=most)
    except Unreadable as error:
        raise RunFailed(str(error)) from None


def _specs_of(answer: Mapping[str, object]) -> dict[str, str]:
    """They say what every client's sequence must fit: each machine's, as text, and no other."""
    specs = {name: text for name, text in answer.items() if isinstance(text, str)}
    if set(specs) != set(QPUS) or len(answer) != len(specs):
        raise ChildError(kind="Unreadable", message="the specifications are none", where={}, tail="")
    return specs
