"""How often does a long-lived process look for garbage? As seldom as what it does allows."""

from __future__ import annotations

import gc


def collect_rarely() -> None:
    """To be called when a process has built what it lives with, after a fork if there is one.

    That lives for ever, and what comes after it leaves hardly any cycles: at Python's own thresholds one sixth of a
    worker's time went into walking values that were still in use.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
