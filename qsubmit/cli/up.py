"""Start a hub on this machine: gateway, workers, queue and store, all in one directory."""

from __future__ import annotations

from qsubmit.cli.serving import replace_by

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser


def arguments(parser: ArgumentParser) -> None:
    """For help and completion only; the words go to the server as they are."""
    parser.add_argument("--data", metavar="DIR", help="where everything is kept; DIR/key is the admin key")
    parser.add_argument("--port", metavar="P", help="to listen on")
    parser.add_argument("--host", metavar="HOST", help="to listen on (default: 127.0.0.1)")
    parser.add_argument("--workers", metavar="N", help="worker processes")
    parser.add_argument("--postgres", action="store_true", help="PostgreSQL from the wheel instead of SQLite")
    parser.add_argument("--no-sandbox", action="store_true", help="without the vendors' sandboxes")
    parser.add_argument("--no-redis", action="store_true", help="without doorbells: workers only scan")


def hand_over(rest: list[str]) -> int:
    """Become ``python -m workers.up`` with the same words."""
    return replace_by("workers", "workers.up", rest)
