"""What did the vendor accept and charge? Append-only rows: the oracle of every exactly-once test."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from backends.sandboxing.clock import now as vendor_now

if TYPE_CHECKING:
    from backends.sandboxing.database import Database

_TABLE = """
CREATE TABLE IF NOT EXISTS ledger (
  row INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, task TEXT NOT NULL, token TEXT NOT NULL,
  device TEXT NOT NULL, shots INTEGER NOT NULL, micros INTEGER NOT NULL, currency TEXT NOT NULL,
  request TEXT NOT NULL, note TEXT NOT NULL, at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS ledger_token ON ledger (token);
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One row. ``kind`` is ``create`` (an accepted request) or ``charge`` (its price, when the task ended).

    ``token`` is what the request bore to be recognised by: a client token, a tag, a job name. ``request`` is the
    id of the HTTP request. ``micros`` are millionths of ``currency``.
    """

    kind: str
    task: str
    token: str
    device: str
    shots: int
    micros: int = 0
    currency: str = ""
    request: str = ""
    note: str = ""
    at: float = 0.0


_COLUMNS = tuple(field.name for field in fields(Entry))


class Ledger:
    """The rows, in the order of writing."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.create(_TABLE)

    def book(self, entry: Entry) -> None:
        """Append one row; inside ``Database.write`` it commits with the caller's other rows."""
        values = asdict(entry) | {"at": entry.at or vendor_now()}
        marks = ", ".join("?" for _ in _COLUMNS)
        with self._database.write() as connection:
            connection.execute(
                f"INSERT INTO ledger ({', '.join(_COLUMNS)}) VALUES ({marks})",  # noqa: S608  our own column names
                tuple(values[name] for name in _COLUMNS),
            )

    def entries(self, kind: str = "", token: str = "") -> list[Entry]:
        """Rows of one kind, or all; of the tokens that start with ``token``."""
        found = self._database.rows("SELECT * FROM ledger ORDER BY row")
        return [
            Entry(**{name: row[name] for name in _COLUMNS})
            for row in found
            if kind in ("", row["kind"]) and row["token"].startswith(token)
        ]

    def document(self) -> dict[str, Any]:
        """The JSON form of ``GET /_sandbox/ledger``."""
        return {kind + "s": [asdict(entry) for entry in self.entries(kind)] for kind in ("create", "charge")}

    def clear(self) -> None:
        """Forget everything, as ``POST /_sandbox/reset`` asks."""
        with self._database.write() as connection:
            connection.execute("DELETE FROM ledger")
