"""What is a device made of? The version of its specifications that its vendor published last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from broker.domain.errors import NotFound
from broker.store.tables import devices, specs

if TYPE_CHECKING:
    from broker.store.unit_of_work import Store


@dataclass(frozen=True, kw_only=True, slots=True)
class Version:
    """A version by its hash; ``body`` is JSON text that ends with a brace, None for a reader who has it already."""

    sha256: str
    body: str | None


def present(store: Store, device: str, *, known: str = "") -> Version:
    """The present version of a device; its text is not read where ``known`` names it (an If-None-Match header).

    Raises:
        NotFound: there is no such device, or nobody has said what it is made of.
    """
    with store.read() as work:
        row = work.connection.execute(select(devices.c.specs).where(devices.c.name == device)).first()
        if row is None:
            raise NotFound(f"there is no device {device}")
        if row.specs is None:
            raise NotFound(f"no specifications of {device} are published")
        if f'"{row.specs}"' in known:
            return Version(sha256=row.specs, body=None)
        query = select(specs.c.body).where(specs.c.sha256 == row.specs)
        return Version(sha256=row.specs, body=work.connection.execute(query).scalar_one())
