"""How is docs/lifecycle.md renewed? ``python -m tests.support.lifecycle_page``: it is drawn from the table of moves."""

from __future__ import annotations

from pathlib import Path

from broker.domain.lifecycle import NEXT, STAGE, TERMINAL, JobState

PAGE = Path(__file__).parents[2] / "docs" / "lifecycle.md"
MEANING = {
    JobState.ACCEPTED: "intake passed and the worst case is held; exists only within the transaction that admits",
    JobState.QUEUED: "waits here for its turn on the device, and can still be re-ranked and cancelled free of charge",
    JobState.SUBMITTING: "the attempt is written down and one create request is on its way to the vendor",
    JobState.SUBMITTED: "the vendor has it and it waits in the vendor's queue",
    JobState.RUNNING: "the vendor says that it runs",
    JobState.FETCHING: "the vendor has finished; the result is being read, checked and stored",
    JobState.UNKNOWN: "nobody knows whether the vendor has it; evidence is collected, nothing is sent again blindly",
    JobState.ATTENTION: "the evidence does not decide; an operator adopts or releases it, and the hold stays so long",
    JobState.SUCCEEDED: "the result is stored with its hash and the bill is booked",
    JobState.FAILED: "it ended without a result; `error_code` says why",
    JobState.CANCELLED: "its owner stopped it: the vendor has nothing of it, or agreed",
    JobState.EXPIRED: "its deadline passed before a vendor had it",
}
HEAD = """\
# The life of a job

<!-- Drawn from broker/domain/lifecycle.py by `python -m tests.support.lifecycle_page`; a test holds it to that. -->

A job moves only as drawn here: one function, `advance()`, makes every move, and each move is an event with its time
and cause. Cancelling is a flag, not a state. An ended job never moves again; what is corrected later is a row in the
ledger.

"""


def page() -> str:
    """The page as it should be."""
    return HEAD + _diagram() + "\n" + _table()


def _diagram() -> str:
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> accepted"]
    lines += [f"    {state.value} --> {to.value}" for state in JobState for to in _ordered(NEXT[state])]
    lines += [f"    {state.value} --> [*]" for state in JobState if state in TERMINAL]
    return "\n".join([*lines, "```", ""])


def _table() -> str:
    lines = ["| state | means | its time counts as | may move to |", "|---|---|---|---|"]
    for state in JobState:
        to = ", ".join(each.value for each in _ordered(NEXT[state])) or "nothing: the job has ended"
        lines.append(f"| {state.value} | {MEANING[state]} | {STAGE.get(state, '')} | {to} |")
    return "\n".join([*lines, ""])


def _ordered(states: frozenset[JobState]) -> list[JobState]:
    return [state for state in JobState if state in states]


if __name__ == "__main__":
    PAGE.write_text(page())
