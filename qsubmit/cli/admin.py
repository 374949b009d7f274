"""Operator: settle a job in attention. Look at the vendor first: adopt what is there, release what never was."""

from __future__ import annotations

from qsubmit.cli import options, parsing, terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def arguments(parser: ArgumentParser) -> None:
    """Its verbs and their options."""
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=parsing.Parser)
    adopt = verbs.add_parser("adopt", help="the vendor has the job, under this id", formatter_class=parsing.formatter)
    adopt.add_argument("job", metavar="JOB", help="job id")
    adopt.add_argument("--remote-id", required=True, metavar="ID", help="the vendor's id of the job")
    release = verbs.add_parser("release", help="the vendor never got the job", formatter_class=parsing.formatter)
    release.add_argument("job", metavar="JOB", help="job id")
    for one in (adopt, release):
        one.add_argument(
            "--reason", required=True, metavar="TEXT", help="what you saw at the vendor, for the audit log"
        )
        options.as_json(one)


def act(args: Namespace) -> int:
    """The job as it stands then."""
    client = options.connect(args)
    if args.verb == "adopt":
        job = client.adopt(args.job, remote_id=args.remote_id, reason=args.reason)
    else:
        job = client.release(args.job, reason=args.reason)
    if args.json:
        terminal.document(job)
    else:
        terminal.out(f"{job['id']}  {terminal.state(job['state'])}")
    return 0
