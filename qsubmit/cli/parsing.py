"""How are a command's words read? One place builds every parser, and only the one that is needed."""

from __future__ import annotations

import argparse
import os
import sys

from qsubmit.cli import commands

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


def parser_of(name: str) -> Parser:
    """The command's own parser; the only place where one is built."""
    module = commands.module_of(name)
    parser = Parser(
        prog=f"qsubmit {name}",
        description=(module.__doc__ or "").strip(),
        formatter_class=formatter,
        allow_abbrev=False,
    )
    module.arguments(parser)
    if name not in commands.PASSED_THROUGH:
        for flag, value, line in commands.GLOBAL:
            parser.add_argument(flag, metavar=value, help=line, default=argparse.SUPPRESS)
    return parser


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are ours: one line, exit code 2."""

    def error(self, message: str) -> NoReturn:
        """Never returns."""
        from qsubmit.errors import Usage

        raise Usage(message, hint=f"{self.prog} --help")


def formatter(prog: str) -> argparse.HelpFormatter:
    """With the width given: argparse would import shutil, and with it every compression library, to ask for it."""
    return argparse.RawDescriptionHelpFormatter(prog, max_help_position=30, width=help_width() - 2)


def help_width() -> int:
    """Between 60 and 120 columns."""
    try:
        columns = int(os.environ.get("COLUMNS") or os.get_terminal_size(sys.stdout.fileno()).columns)
    except (OSError, ValueError, AttributeError):
        columns = 80
    return max(60, min(columns or 80, 120))
