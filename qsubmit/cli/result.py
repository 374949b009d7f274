"""Show or save a result: a histogram, or a row per point of a sweep; JSON, CSV or a picture."""

from __future__ import annotations

from qsubmit.cli import options, terminal
from qsubmit.errors import NotFound, NotReady, of_job

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from qsubmit.client import Client
    from qsubmit.shapes import Result


def arguments(parser: ArgumentParser) -> None:
    """Its options."""
    options.job_ids(parser, several=False)
    parser.add_argument("--wait", action="store_true", help="until the job has ended")
    options.patience(parser)
    parser.add_argument("--top", type=options.count, metavar="N", help="outcomes to draw (default: 16)")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print exactly one JSON document")
    form.add_argument("--csv", action="store_true", help="print CSV; a sweep has a row per point")
    parser.add_argument("--plot", metavar="FILE.png", help="save a picture (needs the extra qsubmit[plot])")


def act(args: Namespace) -> int:
    """In the form asked for."""
    client = options.connect(args)
    if args.wait:
        from qsubmit.cli.waiting import see_to_end

        job, code = see_to_end(client, client.status(args.job), timeout=args.timeout, quiet=args.quiet)
        if job["state"] != "succeeded":
            return code
    result = read(client, args.job)
    if args.plot:
        from qsubmit.cli.plot import save

        save(result, args.plot)
        terminal.note(f"saved {args.plot}")
    if args.json:
        terminal.document(result)
    elif args.csv:
        from qsubmit.cli.sheet import write

        write(result)
    elif not args.plot:
        from qsubmit.cli.result_view import show

        show(client.status(args.job), result, top=args.top)
    return 0


def read(client: Client, job: str) -> Result:
    """The result; if there is none because the job ended badly, that is the error."""
    try:
        return client.result(job)
    except (NotReady, NotFound) as trouble:
        view = client.status(job)
        trouble.hint = trouble.hint or f"qsubmit watch {job}"
        raise (of_job(view) or trouble) from None
