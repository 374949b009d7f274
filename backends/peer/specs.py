"""What are a peer's devices made of? Its own answer for each, asked anew after a while and only if it has changed."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from backends.exchange import Reply, Unanswered, Unsent
from backends.outcome_check import documented
from backends.peer.answers import problem_of, reading_error
from broker.domain.device import Status
from broker.domain.specs_document import specs_of

if TYPE_CHECKING:
    from backends.transport import Transport
    from broker.domain.device import Device
    from broker.domain.specs import Specs

# Machines are calibrated some times a day.
LAST_S = 900.0
_TIMEOUT_S = 20.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What was said of one device, by its hash there, and until when that is not asked again."""

    specs: Specs | None = None
    sha256: str = ""
    until: float = 0.0


class SpecsDesk:
    """One peer's. While it does not answer it is left alone: its devices are many, and each would be waited for."""

    def __init__(self, hub: str) -> None:
        self._hub = hub
        self._told: dict[str, Told] = {}
        self._silent_until = 0.0

    def of(self, device: Device, transport: Transport) -> Specs | None:
        """What the peer says, under our name for the device; what it said last while it says nothing.

        Raises:
            Unreadable: its answer is not in our form.
            Busy, Unauthorized, Refused: as ``reading_error`` has it.
        """
        told, now = self._told.get(device.vendor_id, Told()), time.monotonic()
        if device.status is Status.OFFLINE or now < max(told.until, self._silent_until):
            return told.specs
        reply = _asked(transport, device.vendor_id, told.sha256)
        if reply is None:
            self._silent_until = now + LAST_S
            return told.specs
        self._told[device.vendor_id] = new = replace(self._read(device, reply, told), until=now + LAST_S)
        return new.specs

    def _read(self, device: Device, reply: Reply, told: Told) -> Told:
        if reply.status == HTTPStatus.NOT_MODIFIED:
            return told
        if reply.status == HTTPStatus.NOT_FOUND and problem_of(reply) is not None:
            return Told()  # nothing is published, or its release does not tell
        if reply.status != HTTPStatus.OK:
            raise reading_error(reply)
        with documented(self._hub):
            found: dict[str, Any] = reply.document or {}
            return Told(specs=specs_of(found | {"device": device.name}), sha256=found["sha256"])


def _asked(transport: Transport, name: str, known: str) -> Reply | None:
    headers = {"If-None-Match": f'"{known}"'} if known else {}
    path = f"/v1/devices/{quote(name)}/specs"
    try:
        return transport.ask("GET", path, timeout_s=_TIMEOUT_S, headers=headers)
    except (Unsent, Unanswered):
        return None
