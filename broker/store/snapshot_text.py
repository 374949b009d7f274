"""How is a snapshot written down? One text with a name; what stands still for hours is cut out to be kept once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from broker.domain.device_document import MOVING, device_document
from broker.domain.pieces import Pieces
from broker.store.rows import compact

if TYPE_CHECKING:
    from broker.domain.device import Device
    from broker.domain.snapshot import Snapshot


def pieces_of(snapshot: Snapshot, text: str) -> Pieces:
    """The snapshot's text without its devices' lasting parts and its rates."""
    rates = compact(snapshot.document_of_rates())
    return Pieces.cut(text, [*(lasting(device) for device in snapshot.devices), rates])


def lasting(device: Device) -> str:
    """A device's text behind the few figures that move from look to look, which stand first."""
    still = {key: value for key, value in device_document(device).items() if key not in MOVING}
    return compact(still).removeprefix("{")
