"""Which keys made a key? Lines of makers, read by one recursive query for any number of keys.

Read anew at every look-up rather than written down at a revocation: a key that is being made while its maker is being
revoked would escape an update of "all descendants", and nobody would notice.
"""

from __future__ import annotations

import json
from itertools import groupby
from typing import TYPE_CHECKING, Any

from sqlalchemy import literal, select

from broker.domain.keychain import LONGEST_LINE, Link, Rights, inherited
from broker.domain.scopes import SCOPES_OF
from broker.store.rows import EPOCH, moment_or_none
from broker.store.tables import api_keys, members

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import ColumnElement, Row, Select
    from sqlalchemy.engine import Connection

ROLES = {role.value: frozenset(scope.value for scope in scopes) for role, scopes in SCOPES_OF.items()}
_COLUMNS = ("id", "parent_id", "member_id", "scopes", "expires_at", "revoked_at", "budget_id")


def rights(connection: Connection, which: ColumnElement[bool]) -> dict[str, Rights]:
    """Key id -> what is left of it under its makers, for the keys that ``which`` selects."""
    rows = connection.execute(_lines(which))
    return {key: inherited(list(_links(line))) for key, line in groupby(rows, key=lambda row: row.key)}


def _lines(which: ColumnElement[bool]) -> Select[Any]:
    own = (api_keys.c[name] for name in _COLUMNS)
    line = select(api_keys.c.id.label("key"), literal(0).label("step"), *own).where(which).cte("line", recursive=True)
    maker = api_keys.alias("maker")
    above = (maker.c[name] for name in _COLUMNS)
    more = select(line.c.key, line.c.step + 1, *above).join(line, maker.c.id == line.c.parent_id)
    whole = line.union_all(more.where(line.c.step < LONGEST_LINE))
    query = select(whole, members.c.role).join(members, members.c.id == whole.c.member_id)
    return query.order_by(whole.c.key, whole.c.step)


def _links(rows: Iterator[Row[Any]]) -> Iterator[Link]:
    above = None
    for row in rows:
        above = row.parent_id
        yield Link(
            id=row.id,
            scopes=frozenset(json.loads(row.scopes)) & ROLES.get(row.role, frozenset()),
            expires_at=moment_or_none(row.expires_at),
            revoked_at=moment_or_none(row.revoked_at),
            budget=row.budget_id,
        )
    if above is not None:  # longer than any line that was ever made here: nobody vouches for the rest
        yield Link(id=above, scopes=frozenset(), expires_at=None, revoked_at=EPOCH, budget=None)
