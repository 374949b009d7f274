"""What may be asked of Quandela's child process? To compose a request or read results; Perceval lives only there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from backends import sympy_text
from backends.child import Limits
from backends.quandela import results, translate

TARGET = "backends.quandela.desk:serve"
LIMITS = Limits(memory_bytes=2 << 30, cpu_s=20.0, wall_s=20.0)


def warm() -> None:
    """Import Perceval with a writable place of its own: it writes beside HOME at import otherwise."""
    os.environ["PCVL_PERSISTENT_PATH"] = str(Path.cwd() / "perceval")
    import perceval.serialization  # noqa: F401  the import is the point

    sympy_text.close()


def serve(request: dict[str, Any]) -> dict[str, Any]:
    """``{"ask": "compose" | "read", ...}``."""
    if request["ask"] == "compose":
        return translate.compose(request)
    return results.read(request)
