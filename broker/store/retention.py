"""What has had its time? Rules, legal holds, the jobs that a rule reaches, and the note of what was removed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from broker.domain.lifecycle import TERMINAL
from broker.domain.retention import Removal, Rule, Stored, Subject
from broker.store.rows import micros, moment
from broker.store.tables import events, hubs, jobs, legal_holds, projects, removals, retention

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.engine import Connection

ENDS = frozenset(state.value for state in TERMINAL)


class Aged(NamedTuple):
    """A job that is old enough to be asked about; ``due`` if the rule reaches it now, ``held`` by a legal hold."""

    id: str
    program: str
    decision: str
    due: bool
    held: bool


class Retention:
    """Rules, holds and removals inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite

    def knows(self, subject: Subject, name: str) -> bool:
        """Whether there is such a job or project at all."""
        table = jobs if subject is Subject.JOB else projects
        return self._connection.execute(select(table.c.id).where(table.c.id == name)).scalar() is not None

    def rules(self) -> list[tuple[Rule, str]]:
        """Every rule by hub and kind, each with the job up to which it has been carried out."""
        query = select(retention, hubs.c.slug).join(hubs, hubs.c.id == retention.c.hub_id)
        return [
            (Rule(hub=row.hub_id, hub_name=row.slug, kind=Stored(row.kind), days=row.days), row.done)
            for row in self._connection.execute(query.order_by(hubs.c.slug, retention.c.kind))
        ]

    def put_rules(self, hub: str, days: Mapping[Stored, int]) -> None:
        """The rules of a hub are these and no others."""
        gone = delete(retention).where(retention.c.hub_id == hub, retention.c.kind.not_in([k.value for k in days]))
        self._connection.execute(gone)
        for kind, value in sorted(days.items()):
            insert = self._dialect.insert(retention).values(hub_id=hub, kind=kind.value, days=value, done="")
            keys, change = ["hub_id", "kind"], {"days": insert.excluded.days}
            self._connection.execute(insert.on_conflict_do_update(index_elements=keys, set_=change))

    def done(self, rule: Rule, job: str) -> None:
        """Every job up to this one has been seen to."""
        mine = (retention.c.hub_id == rule.hub, retention.c.kind == rule.kind.value)
        self._connection.execute(update(retention).where(*mine).values(done=job))

    def aged(self, rule: Rule, after: str, at: datetime, limit: int) -> list[Aged]:
        """Jobs of the hub that were created long enough ago, in the order of their ids."""
        before = micros(rule.before(at))
        columns = (jobs.c.id, jobs.c.program, jobs.c.decision_id, jobs.c.state, jobs.c.updated_at)
        query = (
            select(*columns, _held().label("held"))
            .where(jobs.c.hub_id == rule.hub, jobs.c.id > after, jobs.c.created_at < before)
            .order_by(jobs.c.id)
            .limit(limit)
        )
        return [
            Aged(
                id=row.id,
                program=row.program,
                decision=row.decision_id,
                due=row.state in ENDS and row.updated_at < before,
                held=bool(row.held),
            )
            for row in self._connection.execute(query)
        ]

    def held(self, ids: Sequence[str]) -> set[str]:
        """Those jobs that a legal hold keeps."""
        return set(self._connection.execute(select(jobs.c.id).where(jobs.c.id.in_(ids), _held())).scalars())

    def untouched(self, kind: Stored, ids: Sequence[str]) -> list[str]:
        """Those jobs of which this kind has not been removed."""
        there = select(removals.c.job_id).where(removals.c.kind == kind.value, removals.c.job_id.in_(ids))
        known = set(self._connection.execute(there).scalars())
        return [each for each in ids if each not in known]

    def note(self, rule: Rule, ids: Sequence[str], at: datetime) -> None:
        """Write down what goes, when and under which rule."""
        rows = [{"job_id": i, "kind": rule.kind.value, "at": micros(at), "rule": rule.words()} for i in ids]
        if rows:
            self._connection.execute(self._dialect.insert(removals).on_conflict_do_nothing(), rows)

    def removal(self, job: str, kind: Stored) -> Removal | None:
        """Whether a kind of a job was removed."""
        query = select(removals).where(removals.c.job_id == job, removals.c.kind == kind.value)
        row = self._connection.execute(query).first()
        return None if row is None else Removal(kind=Stored(row.kind), at=moment(row.at), rule=row.rule)

    def counts(self) -> dict[tuple[str, str], int]:
        """(hub's slug, kind) -> jobs of which it was removed; every rule is there, if only with zero."""
        query = select(hubs.c.slug, retention.c.kind, retention.c.removed)
        rows = self._connection.execute(query.join(hubs, hubs.c.id == retention.c.hub_id))
        return {(slug, kind): int(count) for slug, kind, count in rows}

    def add_removed(self, rule: Rule, count: int) -> None:
        """Count for the metrics."""
        mine = (retention.c.hub_id == rule.hub, retention.c.kind == rule.kind.value)
        self._connection.execute(update(retention).where(*mine).values(removed=retention.c.removed + count))

    def hold(self, subject: Subject, name: str, reason: str, at: datetime) -> None:
        """Keep all of a job, or of a project's jobs, whatever the rules say."""
        row = {"subject": subject.value, "subject_id": name, "reason": reason, "at": micros(at)}
        insert = self._dialect.insert(legal_holds).values(row)
        change = {"reason": insert.excluded.reason}
        self._connection.execute(insert.on_conflict_do_update(index_elements=["subject", "subject_id"], set_=change))

    def lift(self, subject: Subject, name: str) -> bool:
        """End a legal hold; whether there was one. What it kept is looked at again, so every rule begins anew."""
        mine = (legal_holds.c.subject == subject.value, legal_holds.c.subject_id == name)
        gone = self._connection.execute(delete(legal_holds).where(*mine)).rowcount
        self._connection.execute(update(retention).values(done=""))
        return bool(gone)

    def holds(self) -> list[tuple[Subject, str, str, datetime]]:
        """(subject, id, reason, since) of every legal hold."""
        rows = self._connection.execute(select(legal_holds).order_by(legal_holds.c.subject, legal_holds.c.subject_id))
        return [(Subject(row.subject), row.subject_id, row.reason, moment(row.at)) for row in rows]

    def last_event(self, ids: Sequence[str]) -> int:
        """The newest move of these jobs."""
        query = select(func.coalesce(func.max(events.c.seq), 0)).where(events.c.job_id.in_(ids))
        return int(self._connection.execute(query).scalar_one())


def _held() -> ColumnElement[bool]:
    """Whether a job or its project is kept by a legal hold."""
    kept = select(legal_holds.c.subject_id)
    return or_(
        jobs.c.id.in_(kept.where(legal_holds.c.subject == Subject.JOB.value)),
        jobs.c.project_id.in_(kept.where(legal_holds.c.subject == Subject.PROJECT.value)),
    )
