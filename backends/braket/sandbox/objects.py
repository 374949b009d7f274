"""Where does the sandbox keep S3 objects? Uploads in SQLite; a task's results where the task itself is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backends.braket.wire.objects import Stored
from backends.sandboxing.clock import now as vendor_now

if TYPE_CHECKING:
    from collections.abc import Sequence

    from backends.sandboxing.database import Database
    from backends.sandboxing.tasks import Task, Tasks

RESULTS = "results.json"
_TABLE = """
CREATE TABLE IF NOT EXISTS objects (
  bucket TEXT NOT NULL, key TEXT NOT NULL, body BLOB NOT NULL, at REAL NOT NULL, PRIMARY KEY (bucket, key));
"""


def folder_of(task: Task) -> str:
    """``outputS3Directory``."""
    return f"{task.request['outputS3KeyPrefix']}/{task.id.rsplit('/', 1)[1]}"


class Objects:
    """An ``ObjectStore``. A finished task's ``results.json`` exists from its end on, without a second write."""

    def __init__(self, database: Database, tasks: Tasks) -> None:
        self._database = database
        self._tasks = tasks
        database.create(_TABLE)

    def put(self, bucket: str, key: str, body: bytes) -> Stored:
        """Keep an object."""
        at = vendor_now()
        with self._database.write() as connection:
            connection.execute("INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?)", (bucket, key, body, at))
        return Stored(key=key, body=body, at=at)

    def get(self, bucket: str, key: str) -> Stored | None:
        """An uploaded object, or a task's result."""
        rows = self._database.rows("SELECT body, at FROM objects WHERE bucket = ? AND key = ?", (bucket, key))
        if rows:
            return Stored(key=key, body=rows[0]["body"], at=rows[0]["at"])
        return self._result(bucket, key)

    def _result(self, bucket: str, key: str) -> Stored | None:
        parts = key.rsplit("/", 2)
        if len(parts) < 2 or parts[-1] != RESULTS:  # noqa: PLR2004  a folder and the name
            return None
        for task in self._tasks.select("id LIKE ?", (f"%/{parts[-2]}",), limit=1):
            same = task.request["outputS3Bucket"] == bucket and f"{folder_of(task)}/{RESULTS}" == key
            if same and task.result is not None:
                return Stored(key=key, body=task.result.encode(), at=task.ended_at or 0.0)
        return None

    def drop(self, bucket: str, key: str) -> None:
        """Forget an upload."""
        with self._database.write() as connection:
            connection.execute("DELETE FROM objects WHERE bucket = ? AND key = ?", (bucket, key))

    def under(self, bucket: str, prefix: str) -> Sequence[Stored]:
        """Uploads and results by key."""
        rows = self._database.rows(
            "SELECT key, body, at FROM objects WHERE bucket = ? AND substr(key, 1, ?) = ?",
            (bucket, len(prefix), prefix),
        )
        found = [Stored(key=row["key"], body=row["body"], at=row["at"]) for row in rows]
        for task in self._tasks.select("state = 'done'"):
            key = f"{folder_of(task)}/{RESULTS}"
            if task.request["outputS3Bucket"] == bucket and key.startswith(prefix):
                found.append(Stored(key=key, body=(task.result or "").encode(), at=task.ended_at or 0.0))
        return sorted(found, key=lambda each: each.key)

    def clear(self) -> None:
        """Forget all uploads."""
        with self._database.write() as connection:
            connection.execute("DELETE FROM objects")
