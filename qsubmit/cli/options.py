"""Which options do several commands share? Each is declared once, here."""

from __future__ import annotations

import argparse
import sys

from qsubmit import programs, quantities
from qsubmit.cli import terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from qsubmit.client import Client
    from qsubmit.errors import QsubmitError
    from qsubmit.shapes import Json, RequestFields

PREFERENCES = ("fastest", "cheapest", "best", "balanced")
KINDS = ("qpu", "simulator")
STATES = (
    "accepted",
    "queued",
    "submitting",
    "submitted",
    "running",
    "fetching",
    "unknown",
    "attention",
    "succeeded",
    "failed",
    "cancelled",
    "expired",
)


def meant(read: Callable[[str], Any]) -> Callable[[str], Any]:
    """``read`` as an argparse type whose own words reach the user."""

    def parse(text: str) -> Json:
        try:
            return read(text)
        except (ValueError, OSError, TypeError) as trouble:
            raise argparse.ArgumentTypeError(str(trouble)) from trouble

    return parse


def _digits(text: str) -> bool:
    """Python's own ``isdigit`` knows digits that ``int`` does not, and ``int`` refuses more than 4,300 of them."""
    return text.isascii() and text.isdigit() and len(text) <= quantities.MOST_DIGITS


def _count(text: str) -> int:
    if not _digits(text) or int(text) < 1:
        raise ValueError(f"{text!r} is no positive whole number")
    return int(text)


def _seed(text: str) -> int:
    if not _digits(text) or int(text) >= 1 << 31:
        raise ValueError(f"{text!r} is no seed; seeds are 0 to 2147483647")
    return int(text)


count = meant(_count)


def as_json(parser: argparse.ArgumentParser) -> None:
    """``--json``."""
    parser.add_argument("--json", action="store_true", help="print exactly one JSON document")


def job_ids(parser: argparse.ArgumentParser, *, several: bool) -> None:
    """The jobs that a command is about."""
    parser.add_argument("job", metavar="JOB", nargs="+" if several else None, help="job id")


def program(parser: argparse.ArgumentParser) -> None:
    """The program, and where it may go: what a quote and a job have in common."""
    parser.add_argument("file", metavar="FILE", help="the program; - reads standard input")
    parser.add_argument("--format", choices=programs.FORMATS, help="of the program (default: guessed)")
    parser.add_argument("--shots", type=count, default=1000, metavar="N", help="per point (default: 1000)")
    points = "a sweep's bindings: JSON, or a JSON or CSV file"
    parser.add_argument("--points", type=meant(quantities.points), metavar="FILE|JSON", help=points)
    parser.add_argument("--device", metavar="NAME", help="this device and no other")
    parser.add_argument("--prefer", choices=PREFERENCES, help="what matters when several can run it")
    parser.add_argument("--kind", choices=KINDS, help="only hardware, or only simulators")
    parser.add_argument("--max-cost", type=meant(quantities.money), metavar="5000KRW", help="refuse what costs more")
    deadline = "done by then, or never started: ISO time, or +2h from now"
    parser.add_argument("--deadline", type=meant(quantities.moment), metavar="TIME", help=deadline)
    success = "least estimated success, 0.9 or 90%%"
    parser.add_argument("--min-success", type=meant(quantities.probability), metavar="P", help=success)


def job(parser: argparse.ArgumentParser) -> None:
    """What only a job has."""
    parser.add_argument("--name", default="", help="a name to find it by")
    parser.add_argument("--tag", action="append", default=[], metavar="TAG", help="repeatable")
    parser.add_argument("--seed", type=meant(_seed), metavar="N", help="honoured by simulators")
    option = "vendor option, repeatable"
    parser.add_argument(
        "--option", action="append", default=[], type=meant(quantities.pair), metavar="K=V", help=option
    )
    key = "repeat a submission safely under its old key"
    parser.add_argument("--idempotency-key", metavar="KEY", help=key)


def patience(parser: argparse.ArgumentParser) -> None:
    """``--timeout`` and ``--quiet`` of everything that waits."""
    timeout = "stop waiting after 90s, 10m, 2h; the job goes on"
    parser.add_argument("--timeout", type=meant(quantities.seconds), metavar="TIME", help=timeout)
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress")


def connect(args: argparse.Namespace) -> Client:
    """The hub that the arguments, the environment and the file name."""
    from qsubmit.client import Client

    client = Client(profile=args.profile, told=_told)
    for warning in client.settings.warnings:
        terminal.note(f"qsubmit: warning: {warning}")
    return client


def _told(error: QsubmitError, pause: float) -> None:
    if pause > 1:
        terminal.note(terminal.style(f"{error.detail}; trying again in {pause:.1f} s", "dim", sys.stderr))


def fields(args: argparse.Namespace, source: str) -> RequestFields:
    """The request that the arguments describe."""
    from qsubmit.requests import request_fields

    own: dict[str, Any] = {}
    if hasattr(args, "seed"):
        own = {"name": args.name, "tags": args.tag, "seed": args.seed, "options": dict(args.option)}
    return request_fields(
        source,
        format=args.format or programs.guess(args.file, source),
        shots=args.shots,
        points=args.points or (),
        device=args.device,
        prefer=args.prefer,
        kind=args.kind,
        max_cost=args.max_cost,
        deadline=args.deadline,
        min_success=args.min_success,
        **own,
    )


def located(error: QsubmitError, source: str) -> QsubmitError:
    """The error with the source at hand, so that its line can be shown."""
    error.source = source
    return error
