"""Who is who? Hubs, agreements, organisations, projects, members and the digests of their API keys."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from broker.domain.hub import Access, Agreement, Member
from broker.domain.ids import HubId, KeyId, MemberId, OrganisationId, ProjectId
from broker.store.key_lines import ROLES, rights
from broker.store.rows import compact, micros, micros_or_none, moment, moment_or_none
from broker.store.tables import agreements, api_keys, budgets, hubs, members, organisations, projects

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import ColumnElement, Row, Table
    from sqlalchemy.engine import Connection

    from broker.domain.keychain import Rights


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyRow:
    """An API key without its secret: which key made it, and the budget that is its own."""

    id: str
    member: str
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    parent: str | None = None
    budget: str | None = None


def budget_id(kind: str, owner: str) -> str:
    """The id of the budget of a hub, organisation, project, member or key."""
    return f"{kind}:{owner}"


class People:
    """Membership tables inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, table: Table, row: dict[str, Any], *, keep: tuple[str, ...] = ()) -> None:
        """Insert or update by primary key; columns in ``keep`` keep their stored value."""
        dialect: Any = postgresql if self._connection.dialect.name == "postgresql" else sqlite
        insert = dialect.insert(table).values(row)
        keys = [column.name for column in table.primary_key]
        change = {name: insert.excluded[name] for name in row if name not in keys and name not in keep}
        self._connection.execute(
            insert.on_conflict_do_update(index_elements=keys, set_=change)
            if change
            else insert.on_conflict_do_nothing()
        )

    def member(self, member_id: str, *, key: str = "", scopes: tuple[str, ...] = ()) -> Member | None:
        """A member with the chain of ancestors, and those of the key's ``scopes`` that the member's role still has."""
        query = (
            select(
                members.c.id,
                members.c.name,
                members.c.role,
                projects.c.id.label("project"),
                organisations.c.id.label("organisation"),
                hubs.c.id.label("hub"),
                hubs.c.currency,
            )
            .join(projects, projects.c.id == members.c.project_id)
            .join(organisations, organisations.c.id == projects.c.organisation_id)
            .join(hubs, hubs.c.id == organisations.c.hub_id)
            .where(members.c.id == member_id)
        )
        row = self._connection.execute(query).first()
        if row is None:
            return None
        owners = (("hub", row.hub), ("organisation", row.organisation), ("project", row.project), ("member", row.id))
        return Member(
            id=MemberId(row.id),
            name=row.name,
            hub=HubId(row.hub),
            organisation=OrganisationId(row.organisation),
            project=ProjectId(row.project),
            key=KeyId(key),
            scopes=frozenset(scopes) & ROLES.get(row.role, frozenset()),
            currency=row.currency,
            budgets=tuple(budget_id(kind, owner) for kind, owner in owners),
        )

    def role(self, member_id: str) -> str | None:
        """What a member is in its project."""
        found: str | None = self._connection.execute(select(members.c.role).where(members.c.id == member_id)).scalar()
        return found

    def having(self, role: str) -> dict[str, str]:
        """Hub's slug -> its first member, by id, with this role."""
        query = (
            select(hubs.c.slug, func.min(members.c.id))
            .join(organisations, organisations.c.hub_id == hubs.c.id)
            .join(projects, projects.c.organisation_id == organisations.c.id)
            .join(members, members.c.project_id == projects.c.id)
            .where(members.c.role == role)
            .group_by(hubs.c.slug)
        )
        return dict(self._connection.execute(query).all())

    def by_digest(self, digest: str) -> tuple[KeyRow, Member] | None:
        """The key with this digest and its member, both with what the key's makers leave of it."""
        return self._held(api_keys.c.digest == digest)

    def by_key(self, key_id: str) -> tuple[KeyRow, Member] | None:
        """The same by the key's id."""
        return self._held(api_keys.c.id == key_id)

    def _held(self, which: ColumnElement[bool]) -> tuple[KeyRow, Member] | None:
        row = self._connection.execute(select(api_keys).where(which)).first()
        if row is None:
            return None
        key, left = _key_of(row), self.rights(row.id)
        member = self.member(key.member, key=key.id, scopes=key.scopes)
        if member is None or left is None:
            return None
        mine = replace(member, scopes=member.scopes & left.scopes, budgets=(*member.budgets, *left.budgets))
        return replace(key, expires_at=left.expires_at, revoked_at=left.revoked_at), mine

    def rights(self, key_id: str) -> Rights | None:
        """What a key's makers leave of it."""
        return rights(self._connection, api_keys.c.id == key_id).get(key_id)

    def lock_keys(self, key_ids: Iterable[str]) -> None:
        """Hold keys against others until the commit, always in the same order; on SQLite a write holds everything."""
        query = select(api_keys.c.id).where(api_keys.c.id.in_(tuple(key_ids))).order_by(api_keys.c.id)
        self._connection.execute(query.with_for_update()).all()

    def add_key(self, key: KeyRow, digest: str) -> None:
        """Store a key's digest; the secret is nowhere."""
        row = {
            "id": key.id,
            "member_id": key.member,
            "digest": digest,
            "name": key.name,
            "scopes": compact(key.scopes),
            "created_at": micros(key.created_at),
            "expires_at": micros_or_none(key.expires_at),
            "parent_id": key.parent,
            "budget_id": key.budget,
        }
        self._connection.execute(api_keys.insert(), row)

    def hand_on(self, key_id: str, successor: str) -> None:
        """Whatever a key made hangs on its successor from now on."""
        change = update(api_keys).where(api_keys.c.parent_id == key_id)
        self._connection.execute(change.values(parent_id=successor))

    def key(self, key_id: str) -> KeyRow | None:
        """A key by id."""
        row = self._connection.execute(select(api_keys).where(api_keys.c.id == key_id)).first()
        return None if row is None else _key_of(row)

    def keys_of(self, hub: str, *, project: str | None = None, member: str | None = None) -> list[KeyRow]:
        """Keys of every member of a hub, of one of its projects, or of one member; they end when a maker ends."""
        query = (
            select(api_keys)
            .join(members, members.c.id == api_keys.c.member_id)
            .join(projects, projects.c.id == members.c.project_id)
            .join(organisations, organisations.c.id == projects.c.organisation_id)
            .where(organisations.c.hub_id == hub)
            .order_by(api_keys.c.created_at)
        )
        if project is not None:
            query = query.where(members.c.project_id == project)
        if member is not None:
            query = query.where(members.c.id == member)
        ids = query.order_by(None).with_only_columns(api_keys.c.id)
        left = rights(self._connection, api_keys.c.id.in_(ids))
        found = [_key_of(row) for row in self._connection.execute(query)]
        return [
            replace(key, expires_at=left[key.id].expires_at, revoked_at=left[key.id].revoked_at)
            for key in found
            if key.id in left
        ]

    def end_key(self, key_id: str, *, revoked_at: datetime | None = None, expires_at: datetime | None = None) -> None:
        """Revoke a key now, or let it expire."""
        change = {"revoked_at": micros_or_none(revoked_at), "expires_at": micros_or_none(expires_at)}
        values = {name: value for name, value in change.items() if value is not None}
        self._connection.execute(update(api_keys).where(api_keys.c.id == key_id).values(values))

    def touch_keys(self, used: dict[str, datetime]) -> None:
        """Note the last use of keys."""
        rows = [{"key": key, "when": micros(at)} for key, at in sorted(used.items())]
        if rows:
            change = update(api_keys).where(api_keys.c.id == bindparam("key"))
            self._connection.execute(change.values(last_used_at=bindparam("when")), rows)

    def access(self, hub: str) -> Access | None:
        """A hub's agreements."""
        row = self._connection.execute(select(hubs).where(hubs.c.id == hub)).first()
        if row is None:
            return None
        query = select(agreements).where(agreements.c.hub_id == hub).order_by(agreements.c.id)
        lines = tuple(
            Agreement(
                id=line.id,
                hub=HubId(hub),
                pattern=line.pattern,
                source=line.source,
                starts=moment_or_none(line.starts),
                ends=moment_or_none(line.ends),
            )
            for line in self._connection.execute(query)
        )
        return Access(hub=HubId(hub), hub_name=row.name, agreements=lines)

    def currencies(self) -> dict[str, str]:
        """Hub -> what its budgets are kept in."""
        return dict(self._connection.execute(select(hubs.c.id, hubs.c.currency)).all())

    def hub_of(self, slug: str) -> str | None:
        """The id of a hub."""
        found: str | None = self._connection.execute(select(hubs.c.id).where(hubs.c.slug == slug)).scalar()
        return found

    def names(self, project: str, member: str) -> tuple[str, str]:
        """Readable names of a project and a member."""
        query = (
            select(projects.c.name, members.c.name)
            .join(members, members.c.project_id == projects.c.id)
            .where(projects.c.id == project, members.c.id == member)
        )
        row = self._connection.execute(query).first()
        return (project, member) if row is None else (row[0], row[1])

    def shares(self, scopes: tuple[str, ...]) -> dict[str, int]:
        """Fair-share weights of the organisations, projects and members named."""
        found: dict[str, int] = {}
        for table in (organisations, projects, members):
            rows = self._connection.execute(select(table.c.id, table.c.shares).where(table.c.id.in_(scopes)))
            found |= dict(rows.all())
        return found

    def may_resubmit(self, project_ids: tuple[str, ...]) -> frozenset[str]:
        """Projects that allow a QPU job to be sent again once its absence is proven."""
        query = select(projects.c.id).where(projects.c.id.in_(project_ids), projects.c.allow_resubmit.is_(True))
        return frozenset(self._connection.execute(query).scalars())

    def has_budget(self, budget: str) -> bool:
        """Whether a budget row exists."""
        return self._connection.execute(select(budgets.c.id).where(budgets.c.id == budget)).first() is not None


def _key_of(row: Row[Any]) -> KeyRow:
    return KeyRow(
        id=row.id,
        member=row.member_id,
        name=row.name,
        scopes=tuple(json.loads(row.scopes)),
        created_at=moment(row.created_at),
        expires_at=moment_or_none(row.expires_at),
        revoked_at=moment_or_none(row.revoked_at),
        last_used_at=moment_or_none(row.last_used_at),
        parent=row.parent_id,
        budget=row.budget_id,
    )
