"""Start a hub on this machine: gateway, workers, queue and store, all in one directory."""

from __future__ import annotations

from qsubmit.cli.serving import replace_by

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser


def arguments(parser: ArgumentParser) -> None:
    """For help and completion only; the words go to the server as they are."""
    data = "where everything is kept, DIR/key with the admin key too (default: qsubmit-data)"
    parser.add_argument("--data", metavar="DIR", help=data)
    parser.add_argument("--port", metavar="P", help="to listen on (default: 8000)")
    parser.add_argument("--host", metavar="HOST", help="to listen on (default: 127.0.0.1)")
    parser.add_argument("--workers", metavar="N", help="worker processes (default: 2)")
    parser.add_argument("--postgres", action="store_true", help="PostgreSQL from the wheel instead of SQLite")
    parser.add_argument("--no-sandbox", action="store_true", help="without the vendors' sandboxes")
    parser.add_argument("--no-redis", action="store_true", help="without a queue: workers only scan")
    parser.add_argument("--seeds", metavar="DIR", help="seed files (default: the checkout's)")
    parser.add_argument("--log-level", metavar="LEVEL", help="default: WARNING")


def hand_over(rest: list[str]) -> int:
    """Become ``python -m workers.up`` with the same words."""
    return replace_by("workers", "workers.up", rest)
