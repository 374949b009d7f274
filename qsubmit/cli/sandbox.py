"""Start one vendor's sandbox: a server that speaks the vendor's protocol and runs programs on simulators."""

from __future__ import annotations

from qsubmit.cli.serving import replace_by

GROUP = "qsubmit.sandboxes"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser


def arguments(parser: ArgumentParser) -> None:
    """For help and completion only; the words go to the server as they are."""
    from importlib.metadata import entry_points

    installed = sorted(point.name for point in entry_points(group=GROUP))
    parser.add_argument("vendor", metavar="VENDOR", choices=(*installed, "all"), help="%(choices)s")
    parser.add_argument("--data", metavar="DIR", help="where its ledger is kept")
    parser.add_argument("--port", metavar="P", help="to listen on")
    parser.add_argument("--host", metavar="HOST", help="to listen on (default: 127.0.0.1)")


def hand_over(rest: list[str]) -> int:
    """Become ``python -m backends.sandbox`` with the same words."""
    return replace_by("backends", "backends.sandbox", rest)
