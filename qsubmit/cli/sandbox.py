"""Start one vendor's sandbox: a server that speaks the vendor's protocol and runs programs on simulators."""

from __future__ import annotations

from qsubmit.cli.serving import replace_by

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser


def arguments(parser: ArgumentParser) -> None:
    """For help and completion only; the words go to the server as they are."""
    # Which there are, the server knows: to read the entry points here would make every help wait for it.
    parser.add_argument("vendor", metavar="VENDOR", help="braket, pasqal, quandela or another that is installed; all")
    parser.add_argument("--data", metavar="DIR", help="where its ledger is kept")
    parser.add_argument("--port", metavar="P", help="to listen on")
    parser.add_argument("--host", metavar="HOST", help="to listen on (default: 127.0.0.1)")


def hand_over(rest: list[str]) -> int:
    """Become ``python -m backends.sandbox`` with the same words."""
    return replace_by("backends", "backends.sandbox", rest)
