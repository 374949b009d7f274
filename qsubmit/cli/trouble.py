"""How is an error said? One clear line on standard error; for a place in a program, its line with a caret."""

from __future__ import annotations

import os
import sys

from qsubmit.cli import terminal
from qsubmit.cli.exit_codes import BUG, exit_code
from qsubmit.errors import QsubmitError, Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def report(trouble: Exception, *, as_json: bool = False) -> int:
    """Say it and return the exit code. With ``as_json`` standard output still gets exactly one document."""
    if not isinstance(trouble, QsubmitError):
        if os.environ.get("QSUBMIT_DEBUG"):
            raise trouble
        trouble = _bug(trouble)
    code = BUG if trouble.code == "bug" else exit_code(trouble)
    if as_json:
        terminal.document({"error": {**facts(trouble), "exit_code": code}})
    sys.stdout.flush()
    terminal.note(terminal.style(sentence(trouble), "red", sys.stderr))
    if trouble.source is not None and trouble.line is not None:
        for line in excerpt(trouble.source, trouble.line, trouble.column):
            terminal.note(line)
    for refusal in trouble.refusals:
        terminal.note(f"  {refusal['device']}: {refusal['reason']} ({refusal['rule']})")
    return code


def _bug(trouble: Exception) -> QsubmitError:
    words = f"{type(trouble).__name__}: {trouble}".replace("\n", " ")
    return QsubmitError(words, code="bug", hint="a fault in qsubmit itself; QSUBMIT_DEBUG=1 shows where")


def sentence(error: QsubmitError) -> str:
    """``qsubmit: <detail> (<code>; line L, column C; hint: ...)``."""
    parts = [error.code]
    if error.line is not None:
        parts.append(f"line {error.line}" + (f", column {error.column}" if error.column is not None else ""))
    if error.pointer:
        parts.append(f"at {error.pointer}")
    if error.budget:
        parts.append(f"budget {error.budget}")
    if error.retry_after:
        parts.append(f"try again in {error.retry_after:.0f} s")
    if error.hint:
        parts.append(f"hint: {error.hint}")
    return f"qsubmit: {' '.join(error.detail.split()).rstrip('.')} ({'; '.join(parts)})"


def facts(error: QsubmitError) -> dict[str, Any]:
    """The error for programs; absent parts left out."""
    names = ("code", "detail", "hint", "status", "line", "column", "pointer", "budget", "retry_after", "refusals")
    return {name: value for name in names if (value := getattr(error, name)) not in (None, [])}


def excerpt(source: str, line: int, column: int | None) -> list[str]:
    """The source line and a caret under the column; long lines are cut around it."""
    lines = source.splitlines()
    if not 1 <= line <= len(lines):
        return []
    number, text, at = f"{line:>5}", lines[line - 1].replace("\t", " "), (column or 1) - 1
    room = max((terminal.width(sys.stderr) or 100) - 9, 20)
    start = max(0, min(at - room // 2, len(text) - room))
    shown = [f"{number} | {terminal.clean(text[start : start + room])}"]
    if column is not None:
        shown.append(f"{'':>5} | {' ' * (terminal.cells(text[start:at]))}^")
    return shown


def unknown_command(name: str) -> Usage:
    """With the nearest name, if one is near."""
    from difflib import get_close_matches

    from qsubmit.cli.commands import COMMANDS

    near = get_close_matches(name, COMMANDS, n=1)
    return Usage(f"there is no command {name!r}", hint=f"qsubmit {near[0]}" if near else "qsubmit --help")
