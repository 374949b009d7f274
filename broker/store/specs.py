"""Which specifications does a device have? Each version is stored once, by its hash; its row names the present one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from broker.store.rows import micros
from broker.store.tables import devices, specs

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection

# A machine that is calibrated every day has half a year of them here; one whose vendor changes a figure at every look
# does not fill the disk.
VERSIONS = 200


class SpecsRows:
    """The specs table inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite

    def versions(self, backend: str) -> dict[str, str | None]:
        """Device -> hash of its present version, of every device of a backend."""
        query = select(devices.c.name, devices.c.specs).where(devices.c.backend == backend)
        return dict(self._connection.execute(query).all())

    def put(self, device: str, sha256: str, body: str, at: datetime) -> None:
        """This is the device's present version; of those before it the newest ``VERSIONS`` are kept."""
        row = {"sha256": sha256, "device": device, "body": body, "seen_at": micros(at)}
        insert = self._dialect.insert(specs).values(row)
        # Seen again it is the newest once more: the version that a device points to is never dropped.
        change = {"seen_at": insert.excluded.seen_at}
        self._connection.execute(insert.on_conflict_do_update(index_elements=["sha256"], set_=change))
        self._connection.execute(update(devices).where(devices.c.name == device).values(specs=sha256))
        newest = select(specs.c.sha256).where(specs.c.device == device)
        newest = newest.order_by(specs.c.seen_at.desc(), specs.c.sha256).limit(VERSIONS)
        kept = self._connection.execute(newest).scalars().all()
        older = delete(specs).where(specs.c.device == device, specs.c.sha256.not_in(kept), specs.c.sha256 != sha256)
        self._connection.execute(older)
