"""How long do intakes and children hold? ``python -m tests.fuzz.run --seconds 7200 --seed 1``.

Case N of a seed is always the same, whatever ran before it: ``--first N`` goes on where a run ended, ``--only N`` looks
at one again. Exit code 1 if anything escaped, crashed the parent, was refused without a place or took too long.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import secrets
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.fuzz.case import Verdict, case_of, judged
from tests.fuzz.rooms import Children
from tests.fuzz.seeds import seeds
from tests.fuzz.smaller import smallest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.fuzz.case import Case

PROGRESS_S = 60.0
MOST_FAILURES = 50
_SLICE = 200


@dataclass(kw_only=True)
class Figures:
    """What many cases came to."""

    cases: int = 0
    admitted: int = 0
    runs: Counter[str] = field(default_factory=Counter)
    kills: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    failures: list[tuple[int, str]] = field(default_factory=list)
    slowest: float = 0.0

    def count(self, number: int, verdict: Verdict) -> None:
        self.cases += 1
        self.admitted += verdict.admitted
        self.slowest = max(self.slowest, verdict.seconds)
        if verdict.code:
            self.codes[verdict.code] += 1
        if verdict.ran is not None:
            self.runs[verdict.ran.room] += 1
            if verdict.ran.killed:
                self.kills[verdict.ran.killed] += 1
        if verdict.failure:
            self.failures.append((number, verdict.failure))

    def add(self, other: Figures) -> None:
        self.cases += other.cases
        self.admitted += other.admitted
        self.runs.update(other.runs)
        self.kills.update(other.kills)
        self.codes.update(other.codes)
        self.failures += other.failures
        self.slowest = max(self.slowest, other.slowest)

    def of(self, kind: str) -> int:
        """How many failures are of this kind."""
        return sum(text.startswith(kind) for _, text in self.failures)

    def lines(self) -> list[str]:
        return [
            f"cases {self.cases}, admitted {self.admitted}, refused {self.codes.total()}",
            f"child runs {self.runs.total()}: {_list(self.runs)}",
            f"child kills {self.kills.total()}: {_list(self.kills)}",
            f"escapes {self.of('escape')}, parent crashes {self.of('parent crash')}",
            f"refusals without place {self.of('refused')}, slow verdicts {self.of('slow')}",
            f"slowest verdict {self.slowest:.3f} s",
        ]


def _list(counter: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {number}" for name, number in sorted(counter.items())) or "none"


class Fuzz:
    """One process of the run: children, secrets to steal, and a folder for what was found."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.seed = seed
        self.folder = folder
        self.programs = seeds()
        self.children = Children()
        self.secrets = [secrets.token_hex(16) for _ in range(2)]
        os.environ["QSUBMIT_FUZZ_SECRET"] = self.secrets[0]
        self._file = Path(tempfile.mkdtemp(prefix="fuzz-")) / "secret"
        self._file.write_text(self.secrets[1], encoding="utf-8")

    def run(self, numbers: Sequence[int]) -> Figures:
        """Those cases; each failure is kept with a smaller program that shows the same."""
        figures = Figures()
        for number in numbers:
            case = case_of(self.seed, number, self.programs)
            verdict = judged(case, self.children, self.secrets)
            figures.count(number, verdict)
            if verdict.failure:
                self._keep(case, verdict)
        return figures

    def close(self) -> None:
        self.children.close()
        self._file.unlink()
        self._file.parent.rmdir()

    def _keep(self, case: Case, verdict: Verdict) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        kind = verdict.failure.partition(":")[0]
        stem = f"{kind.replace(' ', '-')}-{case.seed}-{case.number}"
        (self.folder / f"{stem}.txt").write_text(case.source, encoding="utf-8", errors="surrogatepass")
        less = smallest(case, lambda one: judged(one, self.children, self.secrets).failure.startswith(kind))
        about = f"{verdict.failure}\nformat {case.form}, room {case.room.name}\n\n{less.source}"
        (self.folder / f"{stem}.small.txt").write_text(about, encoding="utf-8", errors="surrogatepass")


def _work(arguments: tuple[int, int, int, float, Path], found: multiprocessing.Queue[tuple[int, Figures]]) -> None:
    """Every ``step``-th slice from ``first`` until the time is over."""
    seed, first, step, until, folder = arguments
    fuzz = Fuzz(seed, folder)
    at = first
    try:
        while time.monotonic() < until:
            found.put((at, fuzz.run(range(at, at + _SLICE))))
            at += step
    finally:
        fuzz.close()
        found.put((at, Figures()))


def main(arguments: Sequence[str]) -> int:
    asked = _parsed(arguments)
    if asked.only is not None:
        return _look(asked.seed, asked.only, asked.folder)
    begun = time.monotonic()
    until = begun + asked.seconds
    queue: multiprocessing.Queue[tuple[int, Figures]] = multiprocessing.Queue()
    workers = [
        multiprocessing.Process(
            target=_work,
            args=((asked.seed, asked.first + _SLICE * at, _SLICE * asked.processes, until, asked.folder), queue),
        )
        for at in range(asked.processes)
    ]
    for worker in workers:
        worker.start()
    total, crashed = _gathered(queue, workers, begun)
    print(f"seed {asked.seed}, {time.monotonic() - begun:.0f} s")
    print(*total.lines(), sep="\n")
    for number, text in total.failures[:MOST_FAILURES]:
        print(f"  case {number}: {text}")
    if crashed:
        print("a process of the run itself ended badly")
    return 1 if total.failures or crashed else 0


def _gathered(
    queue: multiprocessing.Queue[tuple[int, Figures]], workers: Sequence[multiprocessing.Process], begun: float
) -> tuple[Figures, bool]:
    """All figures, said every minute; whether a worker died."""
    total, furthest, said = Figures(), 0, time.monotonic()
    while any(worker.is_alive() for worker in workers) or not queue.empty():
        try:
            at, part = queue.get(timeout=1.0)
        except multiprocessing.queues.Empty:
            continue
        total.add(part)
        furthest = max(furthest, at)
        if time.monotonic() - said > PROGRESS_S:
            said = time.monotonic()
            print(f"{said - begun:.0f} s, up to case {furthest}: {'; '.join(total.lines())}", flush=True)
    return total, any(worker.exitcode for worker in workers)


def _look(seed: int, number: int, folder: Path) -> int:
    fuzz = Fuzz(seed, folder)
    try:
        case = case_of(seed, number, fuzz.programs)
        verdict = judged(case, fuzz.children, fuzz.secrets)
        print(case.source, f"format {case.form}, room {case.room.name}", verdict, sep="\n")
    finally:
        fuzz.close()
    return 1 if verdict.failure else 0


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="the case to begin with")
    parser.add_argument("--only", type=int, help="look at one case")
    parser.add_argument("--folder", type=Path, default=Path("var/fuzz"), help="where failures are kept")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
