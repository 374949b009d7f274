"""A target whose ``warm`` leaves a thread: it must not be forked."""

from __future__ import annotations

import threading


def warm() -> None:
    """Start one that never ends."""
    threading.Thread(target=threading.Event().wait, daemon=True).start()


def deed(_: dict) -> dict:
    """Never reached."""
    return {}
