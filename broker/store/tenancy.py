"""How do hubs, organisations, projects, members and their budgets get into the store? Each by its id, as often as told.

What has lived since stays: sums of a budget, and a limit or a parent that somebody may have changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from broker.store.people import People
from broker.store.rows import micros_or_none
from broker.store.tables import agreements, budgets, hubs, members, organisations, projects

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from broker.domain.hub import Agreement

LIVES = ("held", "spent", "limit_micros", "parent_id")


class Tenancy:
    """Writes of the membership tables inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._put = People(connection).put

    def hub(self, hub: str, *, slug: str, name: str, currency: str, source: str) -> None:
        """A hub, and the currency that its budgets are kept in."""
        self._put(hubs, {"id": hub, "slug": slug, "name": name, "currency": currency, "source": source})

    def agreement(self, agreement: Agreement) -> None:
        """What opens devices to a hub."""
        row = {
            "id": agreement.id,
            "hub_id": agreement.hub,
            "pattern": agreement.pattern,
            "source": agreement.source,
            "starts": micros_or_none(agreement.starts),
            "ends": micros_or_none(agreement.ends),
        }
        self._put(agreements, row)

    def organisation(
        self, organisation: str, *, hub: str, slug: str, name: str, kind: str, shares: int, source: str
    ) -> None:
        """An organisation of a hub."""
        row = {"id": organisation, "hub_id": hub, "slug": slug, "name": name, "kind": kind}
        self._put(organisations, row | {"shares": shares, "source": source})

    def project(
        self, project: str, *, organisation: str, slug: str, name: str, shares: int, allow_resubmit: bool
    ) -> None:
        """A project of an organisation."""
        row = {"id": project, "organisation_id": organisation, "slug": slug, "name": name}
        self._put(projects, row | {"shares": shares, "allow_resubmit": allow_resubmit})

    def member(self, member: str, *, project: str, name: str, role: str, shares: int) -> None:
        """A member of a project."""
        self._put(members, {"id": member, "project_id": project, "name": name, "role": role, "shares": shares})

    def budget(self, budget: str, *, parent: str | None, owner: str, currency: str, limit: int | None) -> None:
        """A budget in micro-units below another one; without a limit it only counts."""
        row = {"id": budget, "parent_id": parent, "owner": owner, "currency": currency, "limit_micros": limit}
        self._put(budgets, row | {"held": 0, "spent": 0}, keep=LIVES)
