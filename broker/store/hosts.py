"""Which hosts run local simulations? One row each, as it last described itself; who is silent for long is dead."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from broker.domain.device_document import device_document, device_of
from broker.domain.host import SHOWN, Host
from broker.domain.ids import HostId
from broker.domain.text import name
from broker.store.due import SCANNED
from broker.store.faults import OF_ONE_ROW
from broker.store.rows import compact, micros, moment
from broker.store.tables import hosts, jobs

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Row
    from sqlalchemy.engine import Connection

    from broker.domain.device import Device

log = logging.getLogger("qsubmit.hosts")


class Hosts:
    """The hosts table inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def beat(self, host: Host) -> None:
        """It lives; when it joined stays. Those that are long dead are forgotten.

        A beat that comes late, after a newer one of the same host, changes nothing.
        """
        dialect: Any = postgresql if self._connection.dialect.name == "postgresql" else sqlite
        row = _row(host)
        insert = dialect.insert(hosts).values(row)
        change = {each: insert.excluded[each] for each in row if each not in ("id", "joined_at")}
        newer = hosts.c.beat_at < insert.excluded.beat_at
        self._connection.execute(insert.on_conflict_do_update(index_elements=["id"], set_=change, where=newer))
        self._connection.execute(delete(hosts).where(hosts.c.beat_at < micros(host.beat_at - SHOWN)))

    def known(self) -> list[Host]:
        """All of them, dead ones of the last day among them, the longest known first."""
        return [_host(row) for row in self._connection.execute(select(hosts).order_by(hosts.c.joined_at, hosts.c.id))]

    def living(self, heard: datetime) -> list[Host]:
        """Those that were heard of since."""
        query = select(hosts).where(hosts.c.beat_at > micros(heard)).order_by(hosts.c.joined_at, hosts.c.id)
        return [_host(row) for row in self._connection.execute(query)]

    def runs(self) -> dict[str, int]:
        """How many jobs are bound to each host now."""
        bound = and_(jobs.c.host.is_not(None), jobs.c.state.in_(SCANNED), jobs.c.due_at.is_not(None))
        query = select(jobs.c.host, func.count()).where(bound).group_by(jobs.c.host)
        return dict(self._connection.execute(query).all())

    def last_beat(self, host: HostId) -> datetime | None:
        """When a host was last heard of, if ever."""
        found = self._connection.execute(select(hosts.c.beat_at).where(hosts.c.id == host)).scalar()
        return None if found is None else moment(found)


def _row(host: Host) -> dict[str, Any]:
    return {
        "id": host.id,
        "machine": name(host.machine),
        "boot": host.boot,
        "version": name(host.version),
        "joined_at": micros(host.joined_at),
        "beat_at": micros(host.beat_at),
        "cores": host.cores,
        "free_cores": host.free_cores,
        "memory_bytes": host.memory_bytes,
        "free_memory_bytes": host.free_memory_bytes,
        "devices": compact([device_document(device) for device in host.devices]),
    }


def _host(row: Row[Any]) -> Host:
    return Host(
        id=HostId(row.id),
        machine=row.machine,
        boot=row.boot,
        version=row.version,
        joined_at=moment(row.joined_at),
        beat_at=moment(row.beat_at),
        cores=row.cores,
        free_cores=row.free_cores,
        memory_bytes=row.memory_bytes,
        free_memory_bytes=row.free_memory_bytes,
        devices=_devices(row),
    )


def _devices(row: Row[Any]) -> tuple[Device, ...]:
    """What it offers; nothing where another release wrote it so that this one cannot read it."""
    try:
        return tuple(device_of(each) for each in json.loads(row.devices))
    except OF_ONE_ROW:
        log.exception("what a host offers cannot be read", extra={"host": row.id})
        return ()
