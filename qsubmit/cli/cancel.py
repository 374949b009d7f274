"""Cancel jobs. A job that a vendor already runs is cancelled once the vendor agrees."""

from __future__ import annotations

from qsubmit.cli import options, terminal
from qsubmit.errors import QsubmitError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from qsubmit.shapes import Job


def arguments(parser: ArgumentParser) -> None:
    """Its options."""
    options.job_ids(parser, several=True)
    options.as_json(parser)


def act(args: Namespace) -> int:
    """Each job in turn; an error with one does not spare the others. The exit code of the first error."""
    from qsubmit.cli.trouble import facts, report

    client = options.connect(args)
    if len(args.job) == 1:
        shown(client.cancel(args.job[0]), as_json=args.json)
        return 0
    jobs, errors, codes = [], [], []
    for name in args.job:
        try:
            jobs.append(client.cancel(name))
        except QsubmitError as trouble:
            codes.append(report(trouble))
            errors.append({"job": name, **facts(trouble)})
        else:
            if not args.json:
                shown(jobs[-1], as_json=False)
    if args.json:
        terminal.document({"jobs": jobs, "errors": errors})
    return codes[0] if codes else 0


def shown(job: Job, *, as_json: bool) -> None:
    """Its document, or a line."""
    if as_json:
        terminal.document(job)
    else:
        terminal.out(line(job))


def line(job: Job) -> str:
    """What became of it."""
    if job["state"] == "cancelled":
        return f"{job['id']}  {terminal.state('cancelled')}"
    return f"{job['id']}  {terminal.state(job['state'])}, cancel requested"
