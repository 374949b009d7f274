"""What does an admission look like in a trace? One span per commit, linked to the trace of each job in the group."""

from __future__ import annotations

from typing import TYPE_CHECKING

from broker.services.submit import Admitted, Admitter, Submission

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from broker.domain.errors import QsubmitError
    from broker.store.unit_of_work import Store
    from broker.tracing import Tracing


class TracedAdmitter(Admitter):
    """Only there when tracing is on."""

    def __init__(self, store: Store, clock: Callable[[], datetime], tracing: Tracing) -> None:
        super().__init__(store, clock)
        self._tracing = tracing

    def admit(self, group: Sequence[Submission]) -> list[Admitted | QsubmitError]:
        """As before, inside a span."""
        traces = [submission.trace for submission in group]
        with self._tracing.span("admit commit", traces=traces, about={"qsubmit.jobs": len(group)}):
            return super().admit(group)
