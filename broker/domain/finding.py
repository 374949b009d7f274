"""What did a verification find? One value per invariant (docs/architecture.md): how often broken, and some of whose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """``sample`` names a few of those concerned: job ids, accounts, event or audit numbers."""

    invariant: str
    checked_at: datetime
    violations: int
    sample: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong."""
        return self.violations == 0
