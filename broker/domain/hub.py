"""Who may reach what? Hub > access agreement; hub > organisation > project > member."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from broker.domain.ids import HubId, KeyId, MemberId, OrganisationId, ProjectId


@dataclass(frozen=True, kw_only=True, slots=True)
class Agreement:
    """One line of a hub's access: device names that match ``pattern`` (``pasqal/*``) may be used while it holds."""

    id: str
    hub: HubId
    pattern: str
    source: str
    starts: datetime | None = None
    ends: datetime | None = None

    def covers(self, device: str, at: datetime) -> bool:
        """Whether ``device`` is open under this agreement at that time."""
        begun = self.starts is None or self.starts <= at
        over = self.ends is not None and self.ends <= at
        return begun and not over and fnmatchcase(device, self.pattern)


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    """A hub's agreements, as routing sees them."""

    hub: HubId
    hub_name: str
    agreements: tuple[Agreement, ...]

    def objection(self, device: str, at: datetime) -> str | None:
        """The rule that closes ``device`` to this hub, or None."""
        if any(agreement.covers(device, at) for agreement in self.agreements):
            return None
        return f"hub {self.hub_name} has no access agreement for {device}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """A caller, resolved from an API key: the whole chain of ancestors, and the scopes of the key.

    ``budgets`` are the ids of the budgets from hub down to member on which every hold is taken.
    """

    id: MemberId
    name: str
    hub: HubId
    organisation: OrganisationId
    project: ProjectId
    key: KeyId
    scopes: frozenset[str]
    currency: str
    budgets: tuple[str, ...]
