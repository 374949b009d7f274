"""What does the broker get of a finished job? Counts per point, usage as the vendor reports it, and the raw body."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from backends import storable
from backends.base import Outcome
from backends.errors import Unreadable
from backends.outcome_check import counted, sound
from broker.domain.price import Usage
from broker.domain.result import Outcomes

if TYPE_CHECKING:
    from collections.abc import Mapping


def outcome_of(
    read: Mapping[str, Any], result: Mapping[str, Any], record: Mapping[str, Any], *, shots: int | None
) -> Outcome:
    """``read`` is what the child made of the results; ``result`` and ``record`` are the vendor's documents.

    The child only opens Perceval's texts: how many points there are, and what they bind, is read here. ``shots`` are
    those that were asked for per point, where the job's name says it.

    Raises:
        Unreadable: the two do not fit together, or the vendor's figures are none.
    """
    seconds = duration_s(result if result.get("duration") is not None else record)
    started = _timestamp(record.get("start_time"))
    points = _points(read, result, most=shots)
    return sound(
        Outcome(
            points=points,
            usage=Usage(tasks=1, shots=_shots(result, points), run_ms=math.ceil(seconds * 1000)),
            raw=json.dumps(result, sort_keys=True),
            engine=str(record.get("platform_name") or "") or None,
            software=_software(record),
            warnings=tuple(map(str, read["warnings"])),
            run_started_at=started,
            run_ended_at=None if started is None else started + seconds,
        )
    )


def usage_of(status: Mapping[str, Any]) -> Usage | None:
    """What an ended job's status says that is billed; None where it tells no shots, or a job that never ran.

    Raises:
        Unreadable: a figure that is there and is none.
    """
    shots = storable.amount(status.get("shots"))
    if shots is None:
        return None
    run_ms = math.ceil(duration_s(status) * 1000)
    return Usage(tasks=1, shots=shots, run_ms=run_ms) if shots or run_ms else None


def duration_s(document: Mapping[str, Any]) -> float:
    """The vendor's run time. It is billed by time, so that one which cannot be read is a fault and no zero."""
    found = storable.seconds(document.get("duration"))
    if found is None:
        raise Unreadable("quandela tells no duration of this job")
    return found


def _points(read: Mapping[str, Any], result: Mapping[str, Any], *, most: int | None) -> tuple[Outcomes, ...]:
    document = json.loads(result["results"])
    entries = document.get("results_list", [document])
    counts = read["points"]
    if not isinstance(entries, list) or not isinstance(counts, list) or len(entries) != len(counts):
        raise Unreadable("the reading has another number of points than quandela's result")
    pairs = zip(counts, entries, strict=True)
    return tuple(Outcomes(counts=counted(one["counts"], most=most), bindings=_bound(entry)) for one, entry in pairs)


def _bound(entry: Mapping[str, Any]) -> dict[str, float]:
    iteration = entry.get("iteration")
    bound = iteration.get("circuit_params") if isinstance(iteration, dict) else None
    return dict(bound) if isinstance(bound, dict) else {}


def _shots(result: Mapping[str, Any], points: tuple[Outcomes, ...]) -> int:
    """The vendor's figure; where it gives none, the samples that came back."""
    told = result.get("shots")
    if told is None:
        return sum(sum(point.counts.values()) for point in points)
    if storable.amount(told) is None:
        raise Unreadable("quandela's count of shots is none")
    return int(told)


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
