"""What is kept, and what would go? ``python -m workers.retention``: rules, a dry run, and legal holds."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from broker.clock import hub_clock
from broker.domain.retention import Subject
from broker.queue import SilentDoorbell
from broker.services.retain import carry_out, forecast
from broker.settings import Settings
from broker.store.engine import open_engine
from broker.store.unit_of_work import Store

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from broker.services.retain import Reached

NOT_FOUND = 7  # as the command line's exit code for it


def parser() -> argparse.ArgumentParser:
    """Verbs and their options."""
    p = argparse.ArgumentParser(prog="python -m workers.retention", description="What is kept, and what would go.")
    verbs = p.add_subparsers(dest="verb", required=True, metavar="VERB")
    verbs.add_parser("dry-run", help="what the rules would remove now; nothing is changed")
    verbs.add_parser("run", help="remove it now, all of it")
    verbs.add_parser("holds", help="every legal hold")
    for verb, text in (("hold", "keep a job, or a project's jobs, whatever the rules say"), ("lift", "end a hold")):
        one = verbs.add_parser(verb, help=text)
        one.add_argument("subject", choices=[each.value for each in Subject])
        one.add_argument("id", help="the job's or the project's id")
        one.add_argument("--reason", required=True, help="for the audit log")
    return p


def main(arguments: Sequence[str] | None = None) -> int:
    """0, or 7 if there is no such job, project or hold."""
    options = parser().parse_args(arguments)
    store = Store(open_engine(Settings().database), SilentDoorbell())
    try:
        return _act(options, store, hub_clock(store)())
    finally:
        store.engine.dispose()


def _act(options: argparse.Namespace, store: Store, at: datetime) -> int:
    match options.verb:
        case "dry-run":
            sys.stdout.write(shown(forecast(store, at), "would go"))
        case "run":
            sys.stdout.write(shown(carry_out(store, at, most=sys.maxsize), "went"))
        case "holds":
            sys.stdout.write(_holds(store))
        case _:
            return _hold(options, store, at)
    return 0


def shown(reached: list[Reached], did: str) -> str:
    """One line per rule."""
    if not reached:
        return "no hub has a rule: everything is kept\n"
    return "".join(
        f"{each.rule.words()}: of {each.jobs} jobs they {did}, {each.held} more are on legal hold\n" for each in reached
    )


def _holds(store: Store) -> str:
    with store.read() as work:
        return "".join(
            f"{kind} {name} since {at.isoformat()}: {why}\n" for kind, name, why, at in work.retention.holds()
        )


def _hold(options: argparse.Namespace, store: Store, at: datetime) -> int:
    subject = Subject(options.subject)
    with store.write() as work:
        if options.verb == "hold" and work.retention.knows(subject, options.id):
            work.retention.hold(subject, options.id, options.reason, at)
        elif options.verb == "hold" or not work.retention.lift(subject, options.id):
            sys.stderr.write(
                f"there is no {'legal hold on ' if options.verb == 'lift' else ''}{subject} {options.id}\n"
            )
            return NOT_FOUND
        act = {"act": f"legal_{options.verb}", "subject": subject.value, "id": options.id, "reason": options.reason}
        work.acted(act, at)
    return 0


if __name__ == "__main__":
    sys.exit(main())
