"""What happened between two positions of the stream? Moves, times of jobs that ended, and what was charged for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import and_, func, select

from broker.store.durations import STAGES, bucket, durations, ends
from broker.store.tables import events, jobs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import ColumnElement

    from broker.store.unit_of_work import Work

PARTS = (*STAGES, "total")


@dataclass(frozen=True, kw_only=True, slots=True)
class Moves:
    """How often jobs of a backend went from one state (None: they were accepted) to another."""

    before: str | None
    after: str
    backend: str
    count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Stays:
    """Jobs of one backend that ended with the same buckets: part -> (bucket, microseconds of all of them together)."""

    backend: str
    jobs: int
    parts: Mapping[str, tuple[int, int]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Charged:
    """Micro-units in a currency."""

    organisation: str
    backend: str
    currency: str
    micros: int


def between(after: int, last: int) -> ColumnElement[bool]:
    """Events after one position, up to another."""
    return and_(events.c.seq > after, events.c.seq <= last)


def moves(work: Work, span: ColumnElement[bool]) -> tuple[Moves, ...]:
    """Every move, counted."""
    columns = (events.c.before, events.c.after, events.c.backend)
    query = select(*columns, func.count().label("count")).where(span).group_by(*columns)
    return tuple(Moves(**row) for row in work.connection.execute(query).mappings())


def stays(work: Work, span: ColumnElement[bool], bounds: tuple[float, ...]) -> tuple[Stays, ...]:
    """Times of jobs that ended, by the buckets that their parts fall into; ``bounds`` in seconds."""
    each = durations(ends(span)).subquery("each")
    placed = select(
        each.c.backend,
        *(each.c[part] for part in PARTS),
        *(bucket(each.c[part], bounds).label(f"{part}_bucket") for part in PARTS),
    ).subquery("placed")
    keys = [placed.c.backend, *(placed.c[f"{part}_bucket"] for part in PARTS)]
    sums = [func.sum(placed.c[part]).label(part) for part in PARTS]
    query = select(*keys, *sums, func.count().label("jobs")).group_by(*keys)
    return tuple(
        Stays(
            backend=row["backend"],
            jobs=int(row["jobs"]),
            parts={
                part: (int(row[f"{part}_bucket"]), int(row[part]))
                for part in PARTS
                if row[f"{part}_bucket"] is not None
            },
        )
        for row in work.connection.execute(query).mappings()
    )


def charged(work: Work, span: ColumnElement[bool]) -> tuple[Charged, ...]:
    """What jobs that ended cost their members."""
    ended = ends(span)
    keys = (jobs.c.organisation_id, jobs.c.backend, jobs.c.currency)
    query = select(*keys, func.sum(func.coalesce(jobs.c.charged, 0)))
    joined = query.join(ended, ended.c.job_id == jobs.c.id).group_by(*keys)
    return tuple(
        Charged(organisation=organisation, backend=backend, currency=currency, micros=int(amount))
        for organisation, backend, currency, amount in work.connection.execute(joined)
    )
