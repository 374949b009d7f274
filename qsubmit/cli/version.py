"""Print the version."""

from __future__ import annotations

import sys

from qsubmit import __version__
from qsubmit.cli import options, terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def arguments(parser: ArgumentParser) -> None:
    """Its options."""
    options.as_json(parser)


def act(args: Namespace) -> int:
    """``qsubmit 0.1.0``."""
    if args.json:
        terminal.document({"qsubmit": __version__, "python": sys.version.split()[0]})
    else:
        terminal.out(f"qsubmit {__version__}")
    return 0
