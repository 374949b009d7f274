"""Is this what a simulation of these jobs can have given? The child may be hostile: each answer is built anew here.

Runs in the host, for every job: the looks are made by C loops of the interpreter, over keys and counts as a whole.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from backends import storable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from backends.local.book import Job

MOST_WARNINGS = 20
LATER: dict[str, Any] = {"later": True}
_LONGEST_SENTENCE = 500
_MOST_PACKAGES = 20
_FOCK = re.compile(r"\|([0-9]{1,4}(?:,[0-9]{1,4})*+)?+>")
# A noisy source may emit a second photon with each one (g2); none emits three.
_PHOTONS_PER_PHOTON = 2
# Seeds are drawn below 2**31, and a sweep counts up from there; a member's own may have 64 bits.
_LARGEST_SEED = 1 << 64


class Untrue(Exception):
    """The child said what no simulation of the job gives: it is no longer ours, and nothing of its reply is kept."""


def answers_of(reply: Mapping[str, Any], batch: Sequence[Job], *, may_wait: bool = False) -> list[dict[str, Any]]:
    """The answer of each job, in order: counts, seed, note and warnings, or an error with its place; and its times.

    With ``may_wait``, ``later`` for jobs that did not begin; the first has begun.

    Raises:
        Untrue: one of them, or the whole reply, is none.
    """
    told = reply.get("jobs")
    if not isinstance(told, list) or len(told) != len(batch):
        raise Untrue(f"it did not answer {len(batch)} jobs")
    return [
        LATER if may_wait and number and one == LATER else _answer(one, job)
        for number, (one, job) in enumerate(zip(told, batch, strict=True))
    ]


def software_of(reply: Mapping[str, Any]) -> dict[str, str]:
    """Package to version."""
    told = reply.get("software")
    if not isinstance(told, dict) or len(told) > _MOST_PACKAGES:
        raise Untrue("it did not say its software")
    return {storable.text(key, 100): storable.text(value, 100) for key, value in told.items()}


def _answer(told: object, job: Job) -> dict[str, Any]:
    if not isinstance(told, dict):
        raise Untrue("an answer that is none")
    times = {which: storable.seconds(told.get(which)) for which in ("run_ms", "cpu_ms")}
    if None in times.values():
        raise Untrue("an answer without its times")
    if "error" in told:
        return {"error": _error(told["error"]), **times}
    counts = told.get("counts")
    if not isinstance(counts, list) or len(counts) != len(job.points):
        raise Untrue(f"an answer that has not the {len(job.points)} points of the job")
    for one in counts:
        _check_counts(one, job)
    seed, warnings = told.get("seed"), told.get("warnings")
    if type(seed) is not int or not 0 <= seed < _LARGEST_SEED or (job.seed is not None and seed != job.seed):
        raise Untrue("a seed that is not the job's")
    if not isinstance(warnings, list):
        raise Untrue("an answer without its warnings")
    return {
        "counts": counts,
        "seed": seed,
        **times,
        "note": storable.text(told.get("note"), _LONGEST_SENTENCE),
        "warnings": [storable.text(warning, _LONGEST_SENTENCE) for warning in warnings[:MOST_WARNINGS]],
    }


def _error(told: object) -> dict[str, Any]:
    if not isinstance(told, dict):
        raise Untrue("an error that is none")
    return {
        "message": storable.text(told.get("message")) or "the simulation failed without a word",
        "code": storable.code(told.get("code"), "simulation_failed"),
        "line": storable.place(told.get("line")),
        "column": storable.place(told.get("column")),
        "pointer": storable.pointer(told.get("pointer")),
    }


def _check_counts(counts: object, job: Job) -> None:
    if not isinstance(counts, dict):
        raise Untrue("counts that are none")
    if not counts:
        # Every atom of every shot may be missing, and no sample may pass a filter; a gate circuit always gives bits.
        if job.kind in _ALWAYS_ALL:
            raise Untrue("no shots")
        return
    numbers = counts.values()
    if set(map(type, numbers)) != {int} or min(numbers) < 1:
        raise Untrue("counts that are no numbers")
    total = sum(numbers)
    if total > job.shots or (total < job.shots and job.kind in _ALWAYS_ALL):
        raise Untrue(f"{total} shots of {job.shots}")
    if job.kind == "perceval":
        _check_states(counts, job)
    elif set(map(len, counts)) != {job.bits} or "".join(counts).strip("01"):
        raise Untrue(f"keys that are not {job.bits} bits")


_ALWAYS_ALL = frozenset({"gate", "pulser"})


def _check_states(counts: Mapping[str, int], job: Job) -> None:
    """Heralded modes are left out, so that a state may be narrower than the circuit, but never wider."""
    for key in counts:
        found = _FOCK.fullmatch(key)
        photons = [int(number) for number in (found[1] or "").split(",") if number] if found else []
        if found is None or len(photons) > job.bits or sum(photons) > _PHOTONS_PER_PHOTON * job.photons:
            raise Untrue(f"states that are not of {job.bits} modes and {job.photons} photons")
    if len({key.count(",") for key in counts}) != 1:
        raise Untrue("states of several lengths")
