"""How does a client command become a server? By replacing this process, so that signals and exit codes are its own."""

# ruff: noqa: PTH100, PTH109  pathlib takes 15 ms, half of the client's start
from __future__ import annotations

import os
import sys

from qsubmit.errors import Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

HINT = "pip install 'qsubmit[gateway,worker,local,embedded]'"


def replace_by(package: str, module: str, rest: list[str]) -> NoReturn:
    """``python -m module rest...`` in this process's place. The key stays in the environment, never in the words.

    Raises:
        Usage: the server is not installed here.
    """
    from importlib.util import find_spec

    if find_spec(package) is None:
        raise Usage("the server is not installed here", code="server_missing", hint=HINT)
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, *safe_path(), "-m", module, *rest])  # noqa: S606  our own interpreter


def safe_path() -> list[str]:
    """``-P`` unless we ourselves run from here: a folder ``workers`` that happens to lie here is not the server."""
    here = os.getcwd()
    return [] if any(os.path.abspath(entry or here) == here for entry in sys.path) else ["-P"]
