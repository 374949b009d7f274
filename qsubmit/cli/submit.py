"""Submit a program and print the job's id; with --wait, follow it to its end."""

from __future__ import annotations

import sys

from qsubmit.cli import options, terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from qsubmit.client import Client
    from qsubmit.shapes import Job


def arguments(parser: ArgumentParser) -> None:
    """Its options."""
    options.program(parser)
    options.job(parser)
    parser.add_argument("--wait", action="store_true", help="until the job has ended")
    options.patience(parser)
    options.as_json(parser)


def act(args: Namespace) -> int:
    """Print the id, or the JobView."""
    client = options.connect(args)
    job, code = start(client, args), 0
    if not args.json:
        terminal.out(job["id"])
        sys.stdout.flush()
    if not args.quiet:
        from qsubmit.cli.waiting import submitted_line

        terminal.note(submitted_line(job))
    if args.wait:
        from qsubmit.cli.waiting import see_to_end

        job, code = see_to_end(client, job, timeout=args.timeout, quiet=args.quiet)
    if args.json:
        terminal.document(job)
    return code


def start(client: Client, args: Namespace) -> Job:
    """Send the program, as often as needed, under one key; if it stays unclear, say how to ask again safely."""
    from qsubmit import programs
    from qsubmit.errors import QsubmitError, ServerTrouble, Unreachable
    from qsubmit.requests import fresh_key

    source = programs.read(args.file)
    request = options.fields(args, source)
    key = args.idempotency_key or fresh_key()
    try:
        return client.send(request, idempotency_key=key)
    except KeyboardInterrupt:
        terminal.note(f"\nqsubmit: it may have been accepted; repeat safely with --idempotency-key {key}")
        raise
    except (Unreachable, ServerTrouble) as trouble:
        trouble.hint = f"{trouble.hint}; " if trouble.hint else ""
        trouble.hint += f"repeat safely with --idempotency-key {key}"
        raise
    except QsubmitError as trouble:
        raise options.located(trouble, source) from None
