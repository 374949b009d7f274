"""List jobs, newest first."""

from __future__ import annotations

from itertools import islice

from qsubmit import quantities
from qsubmit.cli import options, terminal, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from qsubmit.shapes import Job

PAGE = 20
LONGEST_PAGE = 100


def arguments(parser: ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("--state", choices=options.STATES, help="in this state")
    parser.add_argument("--device", metavar="NAME", help="on this device")
    parser.add_argument("--name", help="of this name")
    parser.add_argument("--tag", help="with this tag")
    since = "not older than ISO time, or 2h for two hours ago"
    parser.add_argument("--since", type=options.meant(quantities.past), metavar="TIME", help=since)
    parser.add_argument("--limit", type=options.count, default=PAGE, metavar="N", help=f"at most (default: {PAGE})")
    parser.add_argument("--all", action="store_true", help="every page")
    options.as_json(parser)


def act(args: Namespace) -> int:
    """A table, or ``{"jobs": [...], "next_cursor": ...}``."""
    client = options.connect(args)
    page = LONGEST_PAGE if args.all else min(args.limit, LONGEST_PAGE)
    found = client.jobs(
        state=args.state, device=args.device, name=args.name, tag=args.tag, since=args.since, limit=page
    )
    jobs = list(found if args.all else islice(found, args.limit + 1))
    more = not args.all and len(jobs) > args.limit
    jobs = jobs if args.all else jobs[: args.limit]
    if args.json:
        terminal.document({"jobs": jobs, "more": more})
    elif jobs:
        table(jobs)
        if more:
            terminal.note("… there are more: --limit N or --all")
    else:
        terminal.note("no jobs")
    return 0


def table(jobs: list[Job]) -> None:
    """One row per job."""
    from qsubmit.cli.table import Column, show

    columns = [
        Column("JOB"),
        Column("STATE"),
        Column("DEVICE", least=12),
        Column("AGE", right=True),
        Column("SHOTS", right=True, optional=3),
        Column("COST", right=True, optional=2),
        Column("NAME", least=8, optional=1),
    ]
    show(columns, [row(job) for job in jobs], style=1)


def row(job: Job) -> list[str]:
    """Its cells."""
    shots = f"{job['shots']:,}" + (f"×{job['points']}" if job["points"] > 1 else "")
    return [
        job["id"],
        job["state"],
        device(job),
        words.age(job["created_at"]),
        shots,
        words.cost(job["cost"]),
        job["name"],
    ]


def device(job: Job) -> str:
    """With ``*`` for a sandbox, as in the device list."""
    return job["device"] + ("*" if job["sandbox"] else "")
