"""What are a backend's devices made of? Asked after its catalogue was read, and written where something has changed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from backends.errors import BackendError
from broker.domain.specs_document import sealed
from broker.store.faults import OF_ONE_ROW

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from backends.base import Backend
    from broker.domain.device import Device
    from broker.store.unit_of_work import Store

log = logging.getLogger("qsubmit.specs")


def keep_specs(store: Store, backend: Backend, seen: Sequence[Device], at: datetime) -> int:
    """Write the versions that are new, outside of any talk with the vendor; how many there were.

    A device of which nothing is known now keeps what was known of it: a vendor that is away has not changed.
    """
    told = {device.name: text for device in seen if (text := _told(backend, device)) is not None}
    with store.read() as work:
        known = work.specs.versions(backend.name)
    new = {name: text for name, text in told.items() if name in known and known[name] != text[1]}
    if new:
        with store.write() as work:
            for name, (body, sha256) in sorted(new.items()):
                work.specs.put(name, sha256, body, at)
    return len(new)


def _told(backend: Backend, device: Device) -> tuple[str, str] | None:
    """(text, hash) of what the backend says; one device that cannot be read keeps none of the others from theirs."""
    try:
        found = backend.specs(device)
        return None if found is None else sealed(found)
    except (BackendError, *OF_ONE_ROW) as error:
        log.warning("the specifications of %s cannot be read: %s", device.name, error)
        return None
