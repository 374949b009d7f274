"""How fast are we, beside what else there is? Paired runs in one go; medians and ratios, never single figures."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.bench import client, idle, keeping, local_engines, rates, scrape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Row = tuple[str, float, float, float, str]


def main() -> int:
    """Print every row as it is measured; 0 always: a figure is no verdict."""
    parser = argparse.ArgumentParser(
        description="Measure admission, whole jobs, engines, the client, and what keeping costs."
    )
    parser.add_argument("--only", choices=sorted(PARTS), action="append")
    parser.add_argument("--count", type=int, default=3000, help="requests per run")
    parser.add_argument("--rounds", type=int, default=5, help="paired runs")
    options = parser.parse_args()
    _say(f"{'what':<66} {'baseline':>12} {'ours':>12} {'ratio':>8}  goal")
    with tempfile.TemporaryDirectory(prefix="qsubmit-bench-") as scratch:
        for name in options.only or PARTS:
            for row in PARTS[name](Path(scratch) / name, options):
                what, baseline, ours, ratio, goal = row
                _say(f"{what:<66} {baseline:>12.4g} {ours:>12.4g} {ratio:>7.2f}x  {goal}")
    return 0


def _admission(scratch: Path, options: argparse.Namespace) -> Iterator[Row]:
    yield rates.admission(scratch, count=options.count, rounds=options.rounds)


def _jobs(scratch: Path, options: argparse.Namespace) -> Iterator[Row]:
    yield rates.whole_jobs(scratch, count=options.count, rounds=options.rounds)


def _engines(_scratch: Path, _options: argparse.Namespace) -> Iterator[Row]:
    for what, baseline, ours, ratio, goal in local_engines.rows():
        yield what, baseline, ours, ratio, f">= {goal:.2g}"


def _client(_scratch: Path, options: argparse.Namespace) -> Iterator[Row]:
    yield client.help_time(rounds=4 * options.rounds)


def _keeping(scratch: Path, _options: argparse.Namespace) -> Iterator[Row]:
    yield keeping.trickle(scratch)


def _scraping(scratch: Path, options: argparse.Namespace) -> Iterator[Row]:
    yield scrape.first_scrape(scratch, rounds=options.rounds)


def _idle(scratch: Path, _options: argparse.Namespace) -> Iterator[Row]:
    yield from idle.idle(scratch)


PARTS: dict[str, Callable[[Path, argparse.Namespace], Iterator[Row]]] = {
    "admission": _admission,
    "jobs": _jobs,
    "engines": _engines,
    "client": _client,
    "keeping": _keeping,
    "scrape": _scraping,
    "idle": _idle,
}


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
