"""What stands between a hub and each device? Its agreements, and what is left alone after failures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from broker.domain.breaker import open_reasons
from broker.domain.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from broker.domain.hub import Access
    from broker.store.unit_of_work import Store


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """``resting`` says of devices and backends why nothing is sent there just now."""

    access: Access
    resting: Mapping[str, str]


def standing(store: Store, hub: str, *, at: datetime) -> Standing:
    """How a hub stands to the devices.

    Raises:
        NotFound: there is no such hub.
    """
    with store.read() as work:
        access, failing = work.people.access(hub), work.breakers.all().values()
    if access is None:
        raise NotFound(f"there is no hub {hub}")
    return Standing(access=access, resting=open_reasons(failing, at))
