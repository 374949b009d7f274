"""Submit a program, follow it to its end and show the result."""

from __future__ import annotations

from qsubmit.cli import options, submit, terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def arguments(parser: ArgumentParser) -> None:
    """Its options."""
    options.program(parser)
    options.job(parser)
    parser.add_argument("--wait", action="store_true", help="accepted for symmetry; run always waits")
    options.patience(parser)
    parser.add_argument("--top", type=options.count, metavar="N", help="outcomes to draw (default: 16)")
    options.as_json(parser)


def act(args: Namespace) -> int:
    """The result, or ``{"job": ..., "result": ...}``."""
    from qsubmit.cli.waiting import see_to_end, submitted_line

    client = options.connect(args)
    job = submit.start(client, args)
    if not args.quiet:
        terminal.note(submitted_line(job))
    job, code = see_to_end(client, job, timeout=args.timeout, quiet=args.quiet)
    result = client.result(job["id"]) if job["state"] == "succeeded" else None
    if args.json:
        terminal.document({"job": job, "result": result})
    elif result is not None:
        from qsubmit.cli.result_view import show

        show(job, result, top=args.top)
    return code
