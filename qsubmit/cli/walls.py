"""Which walls stand around programs on the server's machines? What ``qsubmit doctor`` says of each, to an operator."""

from __future__ import annotations

from qsubmit.cli.checks import Finding
from qsubmit.errors import QsubmitError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from qsubmit.client import Client

FORBIDDEN, NOT_FOUND = 403, 404


def findings(client: Client) -> list[Finding]:
    """One line for each machine, a warning for each wall that it lacks; members have no part in it."""
    try:
        answer = client.probe("/v1/walls", welcome=(FORBIDDEN, NOT_FOUND))
    except QsubmitError as trouble:
        return [Finding.of("walls", trouble)]
    if answer.status == FORBIDDEN:
        return []
    if answer.status == NOT_FOUND:
        return [Finding("walls", "the server is too old to tell them", verdict="warn")]
    machines: dict[str, list[Any]] = {}
    for wall in answer.document["walls"]:
        machines.setdefault(wall["machine"], []).append(wall)
    if not machines:
        return [Finding("walls", "no worker has reported any yet", verdict="warn", remedy=["wait a minute"])]
    return [finding for machine, walls in machines.items() for finding in _of(machine, walls)]


def _of(machine: str, walls: list[Any]) -> list[Finding]:
    standing = ", ".join(wall["wall"] for wall in walls if wall["stands"]) or "none"
    missing = [wall for wall in walls if not wall["stands"]]
    return [
        Finding("walls", f"{machine}: programs run behind {standing}"),
        *(_lacking(machine, wall) for wall in missing),
    ]


def _lacking(machine: str, wall: Any) -> Finding:  # noqa: ANN401  the interface's JSON
    said = f"{machine} lacks the wall {wall['wall']!r}. If a program takes over its process, {wall['means']}"
    return Finding("walls", said, verdict="warn", remedy=["docs/threat-model.md says what it costs and how to have it"])
