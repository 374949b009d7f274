"""How does a child answer a list of jobs? One by one; what is wrong with one stays with that one. Child side only."""

from __future__ import annotations

import secrets
import time
from importlib.metadata import PackageNotFoundError, version
from math import inf
from typing import TYPE_CHECKING, Any

from backends.invalid import Invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    # (job, its program, seed) → the counts of each point, a note, warnings.
    Work = Callable[[Mapping[str, Any], Mapping[str, str], int], "Counted"]

Counted = tuple[list[dict[str, int]], str, list[str]]
MOST_SEEDS = 1 << 31


def answers(request: Mapping[str, Any], work: Work, packages: Sequence[str]) -> dict[str, Any]:
    """``jobs`` in their order: counts per point, seed, run_ms, note, warnings; or an error with its place.

    Those that did not begin within the request's ``budget_s`` are answered with ``later``; the first always begins.
    """
    programs, budget_s = request["programs"], request.get("budget_s") or inf
    started, jobs = time.perf_counter(), list[dict[str, Any]]()
    for job in request["jobs"]:
        late = jobs and time.perf_counter() - started > budget_s
        jobs.append({"later": True} if late else _answer(job, programs[job["program"]], work))
    return {"jobs": jobs, "software": versions(packages)}


def _answer(job: Mapping[str, Any], program: Mapping[str, str], work: Work) -> dict[str, Any]:
    started, cpu = time.perf_counter(), time.process_time()
    seed = job["seed"] if job["seed"] is not None else secrets.randbelow(MOST_SEEDS)
    try:
        counts, note, warnings = work(job, program, seed)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001  whatever a library finds wrong with one job stays with that job
        where = {name: getattr(error, name, None) for name in ("line", "column", "pointer")}
        code = error.code if isinstance(error, Invalid) else "simulation_failed"
        return {"error": {"message": _words(error), "code": code, **where}, **_times(started, cpu)}
    return {"counts": counts, "seed": seed, **_times(started, cpu), "note": note, "warnings": warnings}


def _times(started: float, cpu: float) -> dict[str, float]:
    """By the clock, and of the process: a busy machine makes the first long, only the program the second."""
    now, used = time.perf_counter(), time.process_time()
    return {"run_ms": (now - started) * 1000, "cpu_ms": (used - cpu) * 1000}


def _words(error: Exception) -> str:
    name = "" if isinstance(error, Invalid) else f"{type(error).__name__}: "
    return f"{name}{error}"[:2000]


_versions: dict[str, str] = {}


def versions(packages: Sequence[str]) -> dict[str, str]:
    """Of those that are installed."""
    for package in packages:
        if package not in _versions:
            try:
                _versions[package] = version(package)
            except PackageNotFoundError:
                _versions[package] = ""
    return {package: _versions[package] for package in packages if _versions[package]}
