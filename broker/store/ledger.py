"""Whose money is where? Budget rows that carry running sums, and the append-only double-entry journal under them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from broker.domain.budget import Budget
from broker.store.bulk import insert_rows
from broker.store.rows import micros
from broker.store.tables import budgets, decayed_spend, entries

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from broker.domain.budget import Entry

_ADJUST = (
    update(budgets)
    .where(budgets.c.id == bindparam("budget"))
    .values(held=budgets.c.held + bindparam("more_held"), spent=budgets.c.spent + bindparam("more_spent"))
)
_AMEND = update(decayed_spend).where(decayed_spend.c.scope == bindparam("of")).values(micros=bindparam("amended"))


class Ledger:
    """Budgets, journal and decayed spend inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def budgets(self, ids: Iterable[str], *, lock: bool = False) -> dict[str, Budget]:
        """Budgets by id; with ``lock`` held against others until the commit, always taken in the same order."""
        query = select(budgets).where(budgets.c.id.in_(tuple(ids))).order_by(budgets.c.id)
        rows = self._connection.execute(query.with_for_update() if lock else query).mappings()
        return {
            row["id"]: Budget(
                id=row["id"],
                owner=row["owner"],
                parent=row["parent_id"],
                currency=row["currency"],
                limit_micros=row["limit_micros"],
                held=row["held"],
                spent=row["spent"],
            )
            for row in rows
        }

    def adjust(self, changes: Mapping[str, tuple[int, int]]) -> None:
        """Add (held, spent) to budgets, in id order so that two transactions never wait for each other."""
        rows = [
            {"budget": budget, "more_held": held, "more_spent": spent}
            for budget, (held, spent) in sorted(changes.items())
            if held or spent
        ]
        if rows:
            self._connection.execute(_ADJUST, rows)

    def post(self, journal: Sequence[Entry], at: datetime) -> None:
        """Append entries; whoever calls has made them sum to zero per currency (domain/budget.py)."""
        rows = [
            {
                "account": entry.account,
                "currency": entry.currency,
                "micros": entry.micros,
                "kind": entry.kind,
                "job_id": entry.job,
                "at": micros(at),
            }
            for entry in journal
        ]
        insert_rows(self._connection, entries, rows)

    def sums(self) -> dict[str, int]:
        """The sum of the whole journal per currency: zero, or the books are wrong."""
        query = select(entries.c.currency, func.sum(entries.c.micros)).group_by(entries.c.currency)
        return {currency: int(total) for currency, total in self._connection.execute(query)}

    def balances(self) -> dict[tuple[str, str], int]:
        """(account, currency) -> micro-units."""
        query = select(entries.c.account, entries.c.currency, func.sum(entries.c.micros)).group_by(
            entries.c.account, entries.c.currency
        )
        return {(account, currency): int(total) for account, currency, total in self._connection.execute(query)}

    def decayed_spend(self, scopes: Iterable[str], *, lock: bool = False) -> dict[str, tuple[int, int]]:
        """Decayed spend of organisations, projects and members: scope -> (micro-units, as of Unix microseconds).

        With ``lock`` held against others until the commit, always taken in the same order.
        """
        query = select(decayed_spend).where(decayed_spend.c.scope.in_(tuple(scopes))).order_by(decayed_spend.c.scope)
        rows = self._connection.execute(query.with_for_update() if lock else query)
        return {row.scope: (row.micros, row.as_of) for row in rows}

    def put_decayed_spend(self, amounts: Mapping[str, int], at: datetime) -> None:
        """Set the decayed spend of scopes as of now."""
        dialect: Any = postgresql if self._connection.dialect.name == "postgresql" else sqlite
        rows = [{"scope": scope, "micros": spent, "as_of": micros(at)} for scope, spent in sorted(amounts.items())]
        insert = dialect.insert(decayed_spend)
        change = {"micros": insert.excluded.micros, "as_of": insert.excluded.as_of}
        if rows:
            self._connection.execute(insert.on_conflict_do_update(index_elements=["scope"], set_=change), rows)

    def amend_decayed_spend(self, amounts: Mapping[str, int]) -> None:
        """Set the spend of scopes that are known, as of the time that they have."""
        rows = [{"of": scope, "amended": spent} for scope, spent in sorted(amounts.items())]
        if rows:
            self._connection.execute(_AMEND, rows)
