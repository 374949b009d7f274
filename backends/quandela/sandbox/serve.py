"""Quandela on this machine: its protocol over Perceval's simulators, with a ledger of what it took and charged."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response

from backends.child import ChildPool
from backends.quandela.sandbox import engine
from backends.quandela.sandbox.accounts import Accounts, settle
from backends.quandela.sandbox.platforms import PLATFORMS
from backends.quandela.wire import routes as wire
from backends.sandboxing.admin import admin_routes
from backends.sandboxing.database import Database
from backends.sandboxing.faults import Faults
from backends.sandboxing.knobs import Fault, Knobs, Trouble
from backends.sandboxing.ledger import Ledger
from backends.sandboxing.runner import Finished, Runner
from backends.sandboxing.serving import Served, listen, serve_forever
from backends.sandboxing.simulated import document_of, run_ms_of, shots_of, simulated
from backends.sandboxing.tasks import Task, Tasks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from starlette.types import ASGIApp

LANES = 2


def serve(
    *, data: Path, host: str, port: int, announce: Callable[[str], None] | None = None, rest_s: float | None = None
) -> None:
    """Serve until a signal; ``announce`` gets ``ready URL``."""
    sandbox = Sandbox(data)
    try:
        serve_forever(sandbox.app, listen(host, port), announce, idle=sandbox.idle, rest_s=rest_s)
    finally:
        sandbox.close()


class Sandbox:
    """The store, the runner and the protocol, as one application. Simulators start with the first job."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.knobs = Knobs()
        self._database = Database(data / "quandela.sqlite")
        self.ledger = Ledger(self._database)
        self._tasks = Tasks(self._database, self.ledger, settle)
        self._children = ChildPool(engine.TARGET, LANES, engine.LIMITS)
        self._runner = Runner(self._tasks, self.knobs, self._run, lanes=LANES)
        self.app = self._application()
        self._runner.start()

    def _application(self) -> ASGIApp:
        accounts = Accounts(self._tasks, self.knobs, self._runner.ring)
        admin = admin_routes(self.knobs, self.ledger, self._forget, self._runner.ring)
        inner = Starlette(routes=[admin, *wire.routes(accounts)])
        return Faults(inner, self.knobs, kind_of=kind_of, voice=voice)

    def _forget(self) -> None:
        self._tasks.clear()
        self.ledger.clear()

    def _run(self, task: Task) -> Finished:
        """The job's result document, as text; raises ``RunFailed`` with what the vendor would say."""
        platform = PLATFORMS[task.device]
        request = {
            "work": task.request,
            "figures": dict(platform.figures),
            "real": platform.real,
        }
        seconds = task.notes["max_duration"] or engine.LIMITS.wall_s
        wall_s = min(seconds, engine.LIMITS.wall_s)
        parts = ("results", "shots", "run_ms")
        answer, most_ms = simulated(lambda: self._children.call(request, wall_s=wall_s), parts=parts)
        points = len(task.request.get("iterator") or (1,))
        run_ms = run_ms_of(answer, most=most_ms)
        given = {
            "results": document_of(answer["results"]),
            "shots": shots_of(answer, most=task.shots * points),
            "run_ms": run_ms,
        }
        return Finished(result=json.dumps(given), run_ms=run_ms)

    def idle(self) -> bool:
        """Whether it may end now: nothing waits or runs here."""
        return self._runner.idle()

    def close(self) -> None:
        """End threads and children."""
        self._runner.halt()
        self._children.close()
        self._runner.stop()
        self._database.close()


class ServedSandbox:
    """A sandbox in a thread, for tests; ``url`` is where it answers."""

    def __init__(self, data: Path, *, port: int = 0) -> None:
        self.sandbox = Sandbox(data)
        self._served = Served(self.sandbox.app, port=port)
        self.url = self._served.url

    def close(self) -> None:
        """End server and sandbox."""
        self._served.close()
        self.sandbox.close()


_LAST = {"cancel": "cancel", "rerun": "rerun", "status": "read", "result": "result", "data": "record"}


def kind_of(method: str, path: str) -> str:
    """The kind of request that faults name: create, read, result, record, cancel, rerun, devices or other."""
    if method == "POST" and path in ("/api/jobs", "/api/job"):
        return "create"
    if path.startswith(("/api/platforms", "/api/platform/")):
        return "devices"
    parts = path.split("/")
    for word in (parts[-1], parts[3] if len(parts) > 4 else ""):  # noqa: PLR2004  /api/job/WORD/ID
        if word in _LAST:
            return _LAST[word]
    return "other"


def voice(fault: Fault) -> Response:
    """The vendor's words for trouble. It documents no throttle: that one is an ordinary gateway's."""
    status, said = _SAID.get(fault.trouble, (500, "Internal server error"))
    headers = {} if fault.retry_after is None else {"Retry-After": f"{fault.retry_after:g}"}
    return JSONResponse({"detail": {}, "error": said}, status_code=status, headers=headers)


_SAID = {
    Trouble.THROTTLE: (429, "Too many requests"),
    Trouble.UNAVAILABLE: (503, "Service unavailable"),
    Trouble.UNAUTHORIZED: (401, wire.BAD_TOKEN),
    Trouble.INVALID: (400, "Invalid payload, expected a json object"),
}
