"""Follow jobs until they end. Ctrl-C stops the watching, never the jobs."""

from __future__ import annotations

import sys

from qsubmit.cli import options, terminal, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from qsubmit.client import Client
    from qsubmit.shapes import Event, Job


def arguments(parser: ArgumentParser) -> None:
    """Its options."""
    options.job_ids(parser, several=True)
    options.patience(parser)
    options.as_json(parser)


def act(args: Namespace) -> int:
    """A table of ends; the exit code of the worst."""
    from qsubmit.cli.waiting import see_to_end

    client, ids = options.connect(args), list(dict.fromkeys(args.job))
    if len(ids) == 1:
        job, code = see_to_end(client, client.status(ids[0]), timeout=args.timeout, quiet=args.quiet)
        jobs = [job]
    else:
        jobs, code = follow_all(client, ids, timeout=args.timeout, quiet=args.quiet)
    if args.json:
        terminal.document(jobs[0] if len(jobs) == 1 else {"jobs": jobs})
    else:
        table(jobs)
    return code


def follow_all(client: Client, ids: list[str], *, timeout: float | None, quiet: bool) -> tuple[list[Job], int]:
    """A line per move of any of them, then each as it stands."""
    from qsubmit.cli.exit_codes import INTERRUPTED
    from qsubmit.cli.trouble import report
    from qsubmit.cli.waiting import end_code
    from qsubmit.errors import TimedOut

    code: int | None = None
    try:
        for event in client.follow(ids, timeout=timeout):
            if event is not None and not quiet:
                terminal.note(line(event))
    except KeyboardInterrupt:
        terminal.note("\nqsubmit: stopped watching; the jobs go on")
        code = INTERRUPTED
    except TimedOut as trouble:
        code = report(trouble)
    jobs = [client.status(job) for job in ids]
    ends = [end_code(job) for job in jobs]
    worst = 1 if 1 in ends else max(ends)
    return jobs, worst if code is None else code


def line(event: Event) -> str:
    """``09:10:22  0192...  running  reason``."""
    at = words.local(event["at"])[11:]
    state = terminal.state(f"{event['state']:<10}", sys.stderr)
    return f"{at}  {event['job_id']}  {state}  {terminal.clean(event['reason'])}".rstrip()


def table(jobs: list[Job]) -> None:
    """How each stands now."""
    from qsubmit.cli.table import Column, show

    columns = [Column("JOB"), Column("STATE"), Column("DEVICE", least=10), Column("TIME", right=True)]
    columns.append(Column("COST", right=True, optional=1))
    rows = [
        [job["id"], job["state"], job["device"], words.span(job["latency"]["total_s"]), words.cost(job["cost"])]
        for job in jobs
    ]
    show(columns, rows, style=1)
