"""Is there anything to look at? A vendor's sandbox that sleeps has nothing new, and to ask it would wake it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from backends.sandbox import woken

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

NEVER = -1


def awake_variable(vendor: str) -> str:
    """The variable that names the file which a vendor's sandbox locks while it runs; set by ``qsubmit up``."""
    return f"QSUBMIT_{vendor.upper()}_SANDBOX_AWAKE"


class Hush:
    """The loops over one vendor: none runs again while its sandbox sleeps and nobody else has woken it since."""

    def __init__(self, vendor: str) -> None:
        named = os.environ.get(awake_variable(vendor))
        self._path = Path(named) if named else None
        self._seen: dict[str, int] = {}

    def over(self, name: str, run: Callable[[datetime], None]) -> Callable[[datetime], None]:
        """``run``, unless there is nothing new; without a sandbox that sleeps it always runs."""
        path = self._path
        if path is None:
            return run

        def unless_asleep(at: datetime) -> None:
            awake, since = woken(path)
            if awake or since != self._seen.get(name, NEVER):
                run(at)
                self._saw(name, since, woken(path)[1])

        return unless_asleep

    def _saw(self, name: str, before: int, after: int) -> None:
        """What a loop's own question woke is news for none of the others, or they would wake it in turn for ever."""
        self._seen = {each: after if seen == before else seen for each, seen in self._seen.items()}
        self._seen[name] = after
