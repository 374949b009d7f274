"""Start one vendor's sandbox: a server that speaks the vendor's protocol and runs programs on simulators."""

from __future__ import annotations

from qsubmit.cli.serving import replace_by

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser

GROUP = "qsubmit.sandboxes"


def installed() -> list[str]:
    """The vendors whose sandboxes are installed, and ``all``; for completion alone, because to look takes time."""
    from importlib.metadata import entry_points

    return [*sorted(point.name for point in entry_points(group=GROUP)), "all"]


def arguments(parser: ArgumentParser) -> None:
    """For help and completion only; the words go to the server as they are."""
    vendor = parser.add_argument("vendor", metavar="VENDOR", help="a vendor that is installed, or all")
    vendor.offers = installed  # type: ignore[attr-defined]  # not choices: every help would go through them
    parser.add_argument("--data", metavar="DIR", help="where its ledger is kept")
    parser.add_argument("--port", metavar="P", help="to listen on")
    parser.add_argument("--host", metavar="HOST", help="to listen on (default: 127.0.0.1)")


def hand_over(rest: list[str]) -> int:
    """Become ``python -m backends.sandbox`` with the same words."""
    return replace_by("backends", "backends.sandbox", rest)
