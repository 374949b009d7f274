"""What did a batch give? The vendor's records and result documents in the normal form."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from backends.base import Outcome, Phase
from backends.errors import Unreadable
from backends.pasqal import clock
from backends.pasqal.status import phase_of
from backends.pasqal.translate import bindings_of
from broker.domain.price import Usage
from broker.domain.result import Outcomes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, kw_only=True, slots=True)
class JobRecord:
    """One job of a batch, as the vendor keeps it; times are its own text."""

    id: str
    word: str
    runs: int | None = None
    variables: Mapping[str, Any] | None = None
    started: str | None = None
    ended: str | None = None
    errors: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchRecord:
    """One batch with its jobs in order of creation, one for each point of the order."""

    id: str
    word: str
    device_type: str
    sequence: str | None = field(repr=False)
    jobs: tuple[JobRecord, ...]


def outcome_of(batch: BatchRecord, documents: Mapping[str, Mapping[str, Any]], *, sandbox: bool) -> Outcome:
    """The outcome; ``documents`` maps the id of each job that is DONE to its result document.

    A job that failed leaves its point without counts, and a warning: what the others gave is paid for.
    """
    done = [job for job in batch.jobs if phase_of(job.word) is Phase.DONE]
    starts = [at for job in done if (at := clock.unix(job.started)) is not None]
    ends = [at for job in done if (at := clock.unix(job.ended)) is not None]
    points = tuple(_point(job, documents.get(job.id)) for job in batch.jobs)
    return Outcome(
        points=points,
        usage=usage_of(batch),
        raw=_raw(batch, documents),
        engine=f"QuTiP (pulser-simulation) as {batch.device_type}" if sandbox else batch.device_type,
        software=_software(batch.sequence),
        warnings=tuple(_warnings(batch, points)),
        run_started_at=min(starts, default=None),
        run_ended_at=max(ends, default=None),
    )


def usage_of(batch: BatchRecord) -> Usage:
    """What is paid for: the shots asked of each job that is DONE, and the time it took by the vendor's clock.

    Raises:
        Unreadable: such a job has no time, or no shots, that can be read.
    """
    done = [job for job in batch.jobs if phase_of(job.word) is Phase.DONE]
    if any(job.runs is None for job in done):
        raise Unreadable("pasqal does not tell the runs of a job")
    return Usage(
        tasks=1,
        shots=sum(job.runs or 0 for job in done),
        run_ms=sum(clock.run_ms(job.started, job.ended) for job in done),
    )


def counts_of(document: Mapping[str, Any]) -> dict[str, int]:
    """The histogram of a result document: atom i in register order at place i, 1 = measured 1.

    Raises:
        Unreadable: it is not what the vendor documents.
    """
    counter = document.get("counter")
    if counter is None:
        counter = _from_serialised(document.get("serialised_results"))
    if not isinstance(counter, dict) or not all(map(_is_count, counter.items())):
        raise Unreadable("pasqal's result holds no histogram of bit strings")
    if len({len(key) for key in counter}) > 1:
        raise Unreadable("pasqal's result mixes bit strings of different lengths")
    return {key: number for key, number in sorted(counter.items()) if number}


def _is_count(pair: tuple[Any, Any]) -> bool:
    key, number = pair
    return isinstance(key, str) and set(key) <= {"0", "1"} and type(number) is int and number >= 0


def _from_serialised(text: object) -> object:
    """The last bit strings in Pulser's own text form, read as JSON: nothing in it is built."""
    try:
        results = json.loads(text) if isinstance(text, str) else {}
        ids = [one for tag, one in results["tagmap"].items() if tag.startswith("bitstrings")]
        return results["results"][ids[0]][-1]
    except (ValueError, RecursionError, KeyError, IndexError, TypeError, AttributeError):
        return None


def _point(job: JobRecord, document: Mapping[str, Any] | None) -> Outcomes:
    counts = counts_of(document) if document is not None else {}
    return Outcomes(counts=counts, bindings=bindings_of(job.variables))


def _raw(batch: BatchRecord, documents: Mapping[str, Mapping[str, Any]]) -> str:
    jobs = [
        {
            "id": job.id,
            "status": job.word,
            "runs": job.runs,
            "variables": job.variables,
            "start_timestamp": job.started,
            "end_timestamp": job.ended,
            "errors": list(job.errors),
            "result": documents.get(job.id),
        }
        for job in batch.jobs
    ]
    body = {"id": batch.id, "status": batch.word, "device_type": batch.device_type, "jobs": jobs}
    return json.dumps(body, sort_keys=True)


def _software(sequence: str | None) -> dict[str, str]:
    try:
        version = json.loads(sequence or "{}").get("pulser_version")
    except (ValueError, RecursionError, AttributeError):
        version = None
    return {"pulser": version} if isinstance(version, str) else {}


def _warnings(batch: BatchRecord, points: Sequence[Outcomes]) -> list[str]:
    told: list[str] = []
    for place, (job, point) in enumerate(zip(batch.jobs, points, strict=True)):
        obtained = sum(point.counts.values())
        if phase_of(job.word) is not Phase.DONE:
            why = "; ".join(job.errors)[:300]
            told.append(f"point {place} is {job.word}" + (f": {why}" if why else ""))
        elif job.runs is not None and obtained != job.runs:
            told.append(f"point {place}: {obtained} of {job.runs} shots")
    return told
