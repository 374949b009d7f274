"""What did the last verification find? One row per invariant, replaced each time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from broker.domain.finding import Finding
from broker.store.rows import compact, micros, moment
from broker.store.tables import findings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Connection


class Findings:
    """The findings table inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def replace(self, found: Sequence[Finding]) -> None:
        """Forget what was found before."""
        self._connection.execute(delete(findings))
        rows = [
            {
                "invariant": each.invariant,
                "checked_at": micros(each.checked_at),
                "violations": each.violations,
                "sample": compact(each.sample),
            }
            for each in found
        ]
        if rows:
            self._connection.execute(findings.insert(), rows)

    def latest(self) -> list[Finding]:
        """Every invariant as of its last verification; empty before the first."""
        return [
            Finding(
                invariant=row.invariant,
                checked_at=moment(row.checked_at),
                violations=row.violations,
                sample=tuple(json.loads(row.sample)),
            )
            for row in self._connection.execute(select(findings).order_by(findings.c.invariant))
        ]
