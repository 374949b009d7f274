"""May one child run programs of several projects, one after the other? Only where no format can carry code to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from backends.child import Child
    from backends.local.book import Job

# Format → why a program in it is text that is read, and never a thing that is evaluated, imported or opened. The others
# are Perceval's (an archive whose classes are looked up and whose texts went to sympy), Pulser's and AHS (documents
# that name classes and callables of their libraries). docs/threat-model.md tells more.
CARRIES_NO_CODE: Final[Mapping[str, str]] = {
    "openqasm2": "Qiskit's parser in Rust makes a fixed set of gates of it; includes are the two built-in libraries",
    "openqasm3": "the reference grammar's parser makes a tree, of which backends/openqasm/unroll.py folds numbers by a "
    "table of functions, and Qiskit's importer knows a fixed set of nodes; no externs, no includes",
}
EVERYBODY: Final = "everybody"


def batch_owner(batch: list[Job]) -> str | None:
    """Whose child a batch of small jobs runs in; None, which is a fresh one, if that cannot be said of all."""
    if all(job.program["format"] in CARRIES_NO_CODE for job in batch):
        return EVERYBODY
    projects = {job.project for job in batch}
    return projects.pop() if len(projects) == 1 else None


def of_owner(idle: list[tuple[float, Child]], project: str) -> Child | None:
    """Taken out of ``idle``: the project's own child, else the one that was idle longest; None if there is none."""
    if not idle:
        return None
    at = next((at for at, (_, child) in enumerate(idle) if child.owner == project), 0)
    return idle.pop(at)[1]
