"""Why this device, and what happened when: the stored decision and the timeline with durations."""

from __future__ import annotations

from qsubmit.cli import options, terminal, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from datetime import datetime

    from qsubmit.shapes import Job


def arguments(parser: ArgumentParser) -> None:
    """Its options."""
    options.job_ids(parser, several=False)
    options.as_json(parser)


def act(args: Namespace) -> int:
    """Decision, then timeline; JSON is ``{"job": ..., "decision": ...}``."""
    from qsubmit.cli import decision_view, status

    client = options.connect(args)
    job, decision = client.status(args.job), client.decision(args.job)
    if args.json:
        terminal.document({"job": job, "decision": decision})
        return 0
    status.show(job)
    terminal.out()
    decision_view.show(decision)
    terminal.out()
    timeline(job)
    return 0


def timeline(job: Job) -> None:
    """Each move with its time, and how long the job stayed there."""
    from qsubmit.cli.table import Column, show

    columns = [Column("AT"), Column("STATE"), Column("FOR", right=True), Column("REASON", least=20)]
    times = [words.parse(move["at"]) for move in job["timeline"]]
    rows = [[clock(times, i), move["state"], stay(times, i), move["reason"]] for i, move in enumerate(job["timeline"])]
    show(columns, rows, style=1)


def clock(times: list[datetime], index: int) -> str:
    """The date where it changes, the time to the millisecond."""
    at = times[index].astimezone()
    same = index and times[index - 1].astimezone().date() == at.date()
    day = " " * 10 if same else f"{at:%Y-%m-%d}"
    return f"{day} {at:%H:%M:%S}.{at.microsecond // 1000:03}"


def stay(times: list[datetime], index: int) -> str:
    """Until the next move; the last state has none."""
    if index + 1 == len(times):
        return ""
    return words.span((times[index + 1] - times[index]).total_seconds())
