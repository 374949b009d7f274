"""Whose budgets are there, and who has used how much of a hub? Sums, in micro-units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from broker.domain.fairshare import decay
from broker.store.people import budget_id
from broker.store.rows import moment
from broker.store.tables import budgets, decayed_spend, hubs, organisations

if TYPE_CHECKING:
    from datetime import datetime

    from broker.store.unit_of_work import Work


@dataclass(frozen=True, kw_only=True, slots=True)
class Tenant:
    """An organisation, and its hub's id."""

    id: str
    slug: str
    hub: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Filled:
    """A budget; ``left`` is None where it has no limit."""

    id: str
    currency: str
    held: int
    spent: int
    left: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Use:
    """An organisation's shares of its hub, and its spend, decayed."""

    organisation: str
    hub: str
    shares: int
    used: float


def hub_slugs(work: Work) -> dict[str, str]:
    """Hub -> its readable name."""
    return dict(work.connection.execute(select(hubs.c.id, hubs.c.slug)).all())


def tenants(work: Work, most: int) -> tuple[Tenant, ...]:
    """The organisations, the one that spent most first."""
    spent = func.coalesce(budgets.c.spent, 0)
    query = (
        select(organisations.c.id, organisations.c.slug, organisations.c.hub_id.label("hub"))
        .outerjoin(budgets, budgets.c.id == budget_id("organisation", "") + organisations.c.id)
        .order_by(spent.desc(), organisations.c.id)
        .limit(most)
    )
    return tuple(Tenant(**row) for row in work.connection.execute(query).mappings())


def upper_budgets(work: Work) -> tuple[Filled, ...]:
    """Those of hubs and organisations, by id."""
    top = budgets.c.id.like("hub:%") | budgets.c.id.like("organisation:%")
    left = budgets.c.limit_micros - budgets.c.held - budgets.c.spent
    columns = (budgets.c.id, budgets.c.currency, budgets.c.held, budgets.c.spent, left.label("left"))
    query = select(*columns).where(top).order_by(budgets.c.id)
    return tuple(Filled(**row) for row in work.connection.execute(query).mappings())


def used(work: Work, at: datetime) -> tuple[Use, ...]:
    """Of every organisation."""
    columns = (
        organisations.c.id,
        organisations.c.hub_id,
        organisations.c.shares,
        decayed_spend.c.micros,
        decayed_spend.c.as_of,
    )
    query = select(*columns).outerjoin(decayed_spend, decayed_spend.c.scope == organisations.c.id)
    return tuple(
        Use(
            organisation=row.id,
            hub=row.hub_id,
            shares=row.shares,
            used=decay(row.micros, moment(row.as_of), at) if row.micros else 0.0,
        )
        for row in work.connection.execute(query)
    )
