"""How does a hub begin? Seed files become rows; loading them again changes nothing that has lived since."""

from __future__ import annotations

import hashlib
import uuid
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any

from broker.domain.hub import Agreement
from broker.domain.ids import HubId
from broker.domain.money import Money, Rate
from broker.domain.price import Price
from broker.domain.price_document import read_terms
from broker.domain.retention import Stored
from broker.services.seed_check import read
from broker.store.catalogue import OPERATOR
from broker.store.people import budget_id

if TYPE_CHECKING:
    from pathlib import Path

    from broker.store.unit_of_work import Store, Work

NAMESPACE = uuid.UUID("6f1f8a0e-6b0e-5d52-9f0b-0d6b3c1f7a11")
EXAMPLE = "example"
SEEDED = "operator-"  # what the ids of price rows from seed files begin with; rows of another making are not ours


def seed_id(*path: str) -> str:
    """The same id for the same thing, on every machine and every load."""
    return str(uuid.uuid5(NAMESPACE, "/".join(path)))


def load(store: Store, directory: Path) -> None:
    """Load every seed file of a directory; spending, keys and running jobs are untouched.

    A price row that is no longer in the file is in force no longer; jobs that were quoted with it settle with it.

    Raises:
        SeedWrong: a file says what nobody reads, or says it wrongly; nothing is changed.
    """
    found = read(directory)
    with store.write() as work:
        for hub in found["hubs"]["hubs"]:
            _hub(work, hub)
        for organisation in found["organisations"]["organisations"]:
            _organisation(work, organisation, _currency(found["hubs"]["hubs"], organisation["hub"]))
        for row in found["rates"]["rates"]:
            work.catalogue.put_rate(_rate(row))
        prices = [_price(row) for row in found["prices"]["prices"]]
        work.catalogue.put_prices(prices, OPERATOR)
        work.catalogue.withdraw_prices(SEEDED, keep=[price.id for price in prices])


def _source(row: dict[str, Any]) -> str:
    source = str(row.get("source", EXAMPLE))
    return f"{source} (example)" if row.get("example") and source != EXAMPLE else source


def _currency(hubs: list[dict[str, Any]], slug: str) -> str:
    return str(next(hub["currency"] for hub in hubs if hub["slug"] == slug))


def _hub(work: Work, row: dict[str, Any]) -> None:
    slug = row["slug"]
    hub = seed_id("hub", slug)
    work.tenancy.hub(hub, slug=slug, name=row["name"], currency=row["currency"], source=_source(row))
    for line in row["agreements"]:
        work.tenancy.agreement(
            Agreement(
                id=seed_id("agreement", slug, line["pattern"]),
                hub=HubId(hub),
                pattern=line["pattern"],
                source=_source(line),
                starts=_moment_or_none(line.get("starts")),
                ends=_moment_or_none(line.get("ends")),
            )
        )
    work.retention.put_rules(hub, {Stored(kind): int(days) for kind, days in row.get("retention", {}).items()})
    _budget(work, "hub", hub, row, None, row["currency"])


def _organisation(work: Work, row: dict[str, Any], currency: str) -> None:
    hub, slug = seed_id("hub", row["hub"]), row["slug"]
    organisation = seed_id("organisation", row["hub"], slug)
    work.tenancy.organisation(
        organisation,
        hub=hub,
        slug=slug,
        name=row["name"],
        kind=row["kind"],
        shares=row["shares"],
        source=_source(row),
    )
    parent = _budget(work, "organisation", organisation, row, budget_id("hub", hub), currency)
    for project in row["projects"]:
        _project(work, project, (row["hub"], slug), parent, currency)


def _project(work: Work, row: dict[str, Any], path: tuple[str, str], parent: str, currency: str) -> None:
    project = seed_id("project", *path, row["slug"])
    work.tenancy.project(
        project,
        organisation=seed_id("organisation", *path),
        slug=row["slug"],
        name=row["name"],
        shares=row["shares"],
        allow_resubmit=bool(row.get("allow_resubmit", False)),
    )
    above = _budget(work, "project", project, row, parent, currency)
    for member in row["members"]:
        name = seed_id("member", *path, row["slug"], member["name"])
        work.tenancy.member(name, project=project, name=member["name"], role=member["role"], shares=member["shares"])
        _budget(work, "member", name, member, above, currency)


def _budget(work: Work, kind: str, owner: str, row: dict[str, Any], parent: str | None, currency: str) -> str:
    limit = (row.get("budget") or {}).get("limit")
    work.tenancy.budget(
        budget_id(kind, owner),
        parent=parent,
        owner=f"{kind}:{row.get('slug') or row['name']}",
        currency=currency,
        limit=None if limit is None else Money.parse(limit, currency).micros,
    )
    return budget_id(kind, owner)


def _moment(value: date | datetime) -> datetime:
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    return datetime.combine(value, time(), UTC)


def _moment_or_none(value: date | datetime | None) -> datetime | None:
    return None if value is None else _moment(value)


def _rate(row: dict[str, Any]) -> Rate:
    amount = Money.parse(str(row["rate"]), row["quote"]).micros
    return Rate(
        id=row["id"],
        base=row["base"],
        quote=row["quote"],
        micros=amount,
        as_of=_moment(row["as_of"]),
        source=_source(row),
    )


def _price(row: dict[str, Any]) -> Price:
    name = hashlib.sha256(repr(sorted(row.items())).encode()).hexdigest()[:16]
    return Price(
        id=f"{SEEDED}{name}",
        device=row["device"],
        currency=row["currency"],
        as_of=_moment(row["as_of"]),
        source=_source(row),
        **read_terms(row),
    )
