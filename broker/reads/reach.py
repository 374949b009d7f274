"""Which devices and vendors concern a hub? Those that one of its access agreements opens."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from broker.domain.hub import Access
    from broker.store.unit_of_work import Work


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach:
    """A hub's agreements at a time; a hub that is not there reaches nothing."""

    access: Access | None
    at: datetime

    @classmethod
    def of(cls, work: Work, hub: str, at: datetime) -> Reach:
        """As stored now."""
        return cls(access=work.people.access(hub), at=at)

    def covers(self, scope: str) -> bool:
        """Whether a device, or any device of a backend, is open to the hub."""
        if self.access is None:
            return False
        if "/" in scope:
            return self.access.objection(scope, self.at) is None
        patterns = (line.pattern.partition("/")[0] for line in self.access.agreements)
        return any(fnmatchcase(scope, pattern) for pattern in patterns)
