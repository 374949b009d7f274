"""How does a command wait for a job? Follow it with progress; if the person leaves, the job stays."""

from __future__ import annotations

from qsubmit.cli import terminal, words
from qsubmit.cli.exit_codes import INTERRUPTED, OK, exit_code
from qsubmit.cli.progress import Progress
from qsubmit.cli.trouble import report
from qsubmit.errors import QsubmitError, TimedOut, Unreachable, of_job

TYPE_CHECKING = False
if TYPE_CHECKING:
    from qsubmit.client import Client
    from qsubmit.shapes import Job

ATTENTION = "needs an operator: `qsubmit doctor {job}` says what to do; Ctrl-C leaves it as it is"


def see_to_end(client: Client, job: Job, *, timeout: float | None, quiet: bool) -> tuple[Job, int]:
    """The job as last seen, and the exit code of how the wait ended. Never loses the job's id to an error."""
    try:
        with Progress(job, quiet=quiet) as progress:
            for event in client.follow([job["id"]], timeout=timeout):
                if event is None:
                    progress.looked(client.status(job["id"]))
                    continue
                progress.moved(event)
                if event["state"] == "attention":
                    terminal.note("qsubmit: " + ATTENTION.format(job=job["id"]))
    except KeyboardInterrupt:
        terminal.note(f"\nqsubmit: stopped watching; the job goes on: qsubmit watch {job['id']}")
        return job, INTERRUPTED
    except (TimedOut, Unreachable) as trouble:
        trouble.hint = f"the job goes on: qsubmit watch {job['id']}"
        return (client.status(job["id"]) if isinstance(trouble, TimedOut) else job), report(trouble)
    return ended(client.status(job["id"]))


def ended(job: Job) -> tuple[Job, int]:
    """The finished job with its exit code; a bad end is said."""
    trouble = of_job(job)
    return job, OK if trouble is None else report(trouble)


def end_code(job: Job) -> int:
    """The exit code of a job's end, without a word."""
    trouble: QsubmitError | None = of_job(job)
    return OK if trouble is None else exit_code(trouble)


def submitted_line(job: Job) -> str:
    """What was accepted, where it goes and at what price."""
    mark = " [sandbox]" if job["sandbox"] else ""
    quoted = words.money(job["cost"]["quoted"], job["cost"]["currency"])
    return terminal.clean(f"job {job['id']} · {job['device']}{mark} · quoted {quoted}")
