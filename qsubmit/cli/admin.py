"""Operator: jobs in attention. Look at the vendor first: adopt what is there, release what never was."""

from __future__ import annotations

from qsubmit.cli import options, parsing, terminal, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from qsubmit.shapes import Job


def arguments(parser: ArgumentParser) -> None:
    """Its verbs and their options."""
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=parsing.Parser)
    adopt = verbs.add_parser("adopt", help="the vendor has the job, under this id", formatter_class=parsing.formatter)
    adopt.add_argument("job", metavar="JOB", help="job id")
    adopt.add_argument("--remote-id", required=True, metavar="ID", help="the vendor's id of the job")
    release = verbs.add_parser("release", help="the vendor never got the job", formatter_class=parsing.formatter)
    release.add_argument("job", metavar="JOB", help="job id")
    waiting = verbs.add_parser("attention", help="which jobs wait for a decision", formatter_class=parsing.formatter)
    options.as_json(waiting)
    for one in (adopt, release):
        one.add_argument(
            "--reason", required=True, metavar="TEXT", help="what you saw at the vendor, for the audit log"
        )
        options.as_json(one)


def act(args: Namespace) -> int:
    """The jobs that wait, or the job as it stands then."""
    client = options.connect(args)
    if args.verb == "attention":
        _show(list(client.attention()), as_json=args.json)
        return 0
    if args.verb == "adopt":
        job = client.adopt(args.job, remote_id=args.remote_id, reason=args.reason)
    else:
        job = client.release(args.job, reason=args.reason)
    if args.json:
        terminal.document(job)
    else:
        terminal.out(f"{job['id']}  {terminal.state(job['state'])}")
    return 0


def _show(jobs: list[Job], *, as_json: bool) -> None:
    from qsubmit.cli.table import Column, show

    if as_json:
        terminal.document({"jobs": jobs})
    elif not jobs:
        terminal.note("no job waits for a decision")
    else:
        columns = [Column("JOB"), Column("DEVICE"), Column("NAME AT THE VENDOR"), Column("HELD", right=True)]
        show([*columns, Column("WHY", least=20)], [_row(job) for job in jobs])
        terminal.note("look at the vendor's console for the name, then: qsubmit admin adopt JOB | release JOB")


def _row(job: Job) -> list[str]:
    attempt, cost = job["attempt"], job["cost"]
    name = "" if attempt is None else attempt["token"]
    return [job["id"], job["device"], name, words.money(cost["held"], cost["currency"]), job["timeline"][-1]["reason"]]
