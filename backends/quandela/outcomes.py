"""What does the broker get of a finished job? Counts per point, usage as the vendor reports it, and the raw body."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from backends.base import Outcome
from broker.domain.price import Usage
from broker.domain.result import Outcomes

if TYPE_CHECKING:
    from collections.abc import Mapping


def outcome_of(read: Mapping[str, Any], result: Mapping[str, Any], record: Mapping[str, Any]) -> Outcome:
    """``read`` is what the child made of the results; ``result`` and ``record`` are the vendor's documents."""
    points = tuple(Outcomes(counts=point["counts"], bindings=point["bindings"]) for point in read["points"])
    seconds = _whole(result.get("duration"))
    started = _timestamp(record.get("start_time"))
    return Outcome(
        points=points,
        usage=Usage(tasks=1, shots=_shots(result, points), run_ms=seconds * 1000),
        raw=json.dumps(result, sort_keys=True),
        engine=str(record.get("platform_name") or "") or None,
        software=_software(record),
        warnings=tuple(read["warnings"]),
        run_started_at=started,
        run_ended_at=None if started is None else started + seconds,
    )


def _shots(result: Mapping[str, Any], points: tuple[Outcomes, ...]) -> int:
    """The vendor's figure; where it gives none, the samples that came back."""
    reported = result.get("shots")
    if isinstance(reported, int) and not isinstance(reported, bool):
        return reported
    return sum(sum(point.counts.values()) for point in points)


def _whole(value: object) -> int:
    return int(value) if isinstance(value, int | float) else 0


def _timestamp(text: object) -> float | None:
    if not isinstance(text, str):
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def _software(record: Mapping[str, Any]) -> dict[str, str]:
    version = record.get("pcvl_version")
    return {"perceval-quandela": version} if isinstance(version, str) else {}
