"""What must not be the same in every child of one template? Random numbers, and a way into caches that outlive it."""

from __future__ import annotations

import os
import sys
from typing import Any

SEED_BYTES = 4


def be_unlike_others() -> None:
    """Only what the template has imported: nothing is imported for this. Python reseeds its own ``random``."""
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(int.from_bytes(os.urandom(SEED_BYTES)))
    perceval = sys.modules.get("perceval")
    if perceval is not None:
        perceval.random_seed(int.from_bytes(os.urandom(SEED_BYTES)) >> 1)
    caching = sys.modules.get("numba.core.caching")
    if caching is not None:
        _compile_afresh(caching)


def _compile_afresh(caching: Any) -> None:  # noqa: ANN401  numba has no types
    """What a template has compiled is in memory; code that a child compiles is for that child alone."""
    caching.Cache.load_overload = lambda *_: None
    caching.Cache.save_overload = lambda *_: None
