"""What does driving look like in a trace? A span per tick, and one per vendor call in the trace of its job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from broker.reads.traces import of_jobs, of_runs
from broker.tracing import IDLE, LINKS, parent_of
from workers.drive import Driver

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from backends.base import Backend
    from broker.store.unit_of_work import Store
    from broker.tracing import Tracing

BY_ORDER = frozenset({"submit", "submit_many"})
BY_REMOTE_ID = frozenset({"poll", "fetch", "fetch_many", "cancel", "wait"})
VERBS = (*sorted(BY_ORDER | BY_REMOTE_ID), "devices", "find", "specs")


class TracedDriver(Driver):
    """Only there when tracing is on."""

    def __init__(self, tracing: Tracing, **parts: Any) -> None:  # noqa: ANN401  whatever a driver takes
        super().__init__(**parts)
        self._tracing = tracing

    def tick(self, rung: Sequence[str] = ()) -> int:
        """As before, inside a span; a tick that finds nothing leaves none."""
        with self._tracing.span("tick") as span:
            taken = super().tick(rung)
            span.set_attribute("qsubmit.jobs", taken)
            span.set_attribute(IDLE, taken == 0)
            return taken


def traced(backend: Backend, tracing: Tracing, store: Store) -> Backend:
    """The backend with a span around each of its verbs; what it cannot do, the wrapped one cannot either."""
    # A class of its own: isinstance() against a runtime protocol looks at the class, not at __getattr__.
    verbs = {name: _spanned(name) for name in VERBS if hasattr(backend, name)}
    made = type(f"Traced{type(backend).__name__}", (_Traced,), verbs)
    return cast("Backend", made(backend, tracing, store))


class _Traced:
    def __init__(self, backend: Backend, tracing: Tracing, store: Store) -> None:
        self.backend, self.tracing, self.store = backend, tracing, store

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  whatever the backend has
        return getattr(self.backend, name)

    def traces(self, verb: str, subject: Any) -> list[str]:  # noqa: ANN401  orders or ids, one or many
        """The traces of the jobs that a call is about."""
        many = subject if isinstance(subject, (list, tuple)) else [subject]
        if verb in BY_ORDER:
            return of_jobs(self.store, [order.job for order in many[:LINKS]])
        return of_runs(self.store, self.backend.name, many[:LINKS]) if verb in BY_REMOTE_ID else []


def _spanned(verb: str) -> Callable[..., Any]:
    def call(self: _Traced, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401  passed on as they are
        found = self.traces(verb, arguments[0]) if arguments else []
        # One job's call belongs into that job's trace; a call for many stays with the tick and points at them.
        parent = parent_of(found[0]) if len(found) == 1 else ""
        about = {"qsubmit.backend": self.backend.name}
        with self.tracing.span(f"vendor {verb}", parent=parent, traces=found, about=about):
            return getattr(self.backend, verb)(*arguments, **named)

    return call
