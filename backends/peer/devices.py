"""What does a peer offer? Its accessible devices as ours, with what its list says and what its quotes tell."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from backends.peer.prices import billed_ms, row_of
from backends.peer.probes import CLIFFORD_WIDTH, SHOTS, WIDTHS, Figures
from broker.domain.device import Calibration, Device, Kind, Status
from broker.domain.ids import DeviceName
from broker.domain.price import Usage
from broker.domain.program import Format

if TYPE_CHECKING:
    from collections.abc import Mapping

    from backends.peer.prices import PriceBook, Row
    from backends.peer.probes import Answer

NAME = "peer"
MAX_SHOTS = 10_000_000
_BASIC = ("gate", "stabilizer", f"dense{WIDTHS[0]}", "pulser", "ahs", "perceval")
# Rules that say nothing of the program: the peer would refuse whatever we send.
_CLOSED = frozenset({"status", "paused", "price_unknown", "rate_unknown", "price_stale"})
_CONCURRENCY = {Kind.QPU: 2, Kind.SIMULATOR: 16}
_UNPRICED_RUN_MS = 60_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """The peer's answers for one device, by probe: figures or the refusing rule, and the rule's reason."""

    answers: Mapping[str, tuple[Answer, str]]

    def offers(self, probe: str) -> Figures | None:
        """Its figures, or None where it was refused or not asked."""
        found = self.answers.get(probe, ("", ""))[0]
        return found if isinstance(found, Figures) else None

    def refuses(self, probe: str, rule: str) -> bool:
        return self.answers.get(probe, ("", ""))[0] == rule

    @property
    def figures(self) -> Figures | None:
        """Of the first program without points that it takes."""
        return next((found for found in map(self.offers, _BASIC) if found), None)

    @property
    def closed(self) -> str | None:
        """Why it takes nothing at present."""
        reasons = (reason for answer, reason in self.answers.values() if answer in _CLOSED)
        return None if self.figures else next(reasons, None)


def offered(view: Mapping[str, Any]) -> bool:
    """Whether it can be ours: open to us, and not itself a peer's, or two hubs would send a job round and round."""
    return bool(view["accessible"]) and view["backend"] != NAME


def device_of(hub: str, view: Mapping[str, Any], told: Told, book: PriceBook) -> Device:
    """One device of the list. ``vendor_id`` is its name at the peer, ``extra`` holds the hub."""
    name = DeviceName(f"{NAME}/{hub}-{view['name'].replace('/', '-')}")
    kind, figures, closed = Kind(view["kind"]), told.figures, told.closed
    row = row_of(view["price"]) if view["price"] else None
    memory, methods = _state(view, told)
    return Device(
        name=name,
        backend=NAME,
        vendor_id=view["name"],
        kind=kind,
        accepts=frozenset(Format(word) for word in view["accepts"] if word in Format),
        width=view["width"],
        max_shots=min(int(view["max_shots"]), MAX_SHOTS),
        max_memory_bytes=memory,
        dynamic=told.offers("dynamic") is not None,
        global_drive_only=told.refuses("local_drive", "drive"),
        status=Status(view["status"]) if closed is None else Status.OFFLINE,
        queue_depth=view["queue_depth"],
        concurrency=_CONCURRENCY[kind],
        region=view["region"] or hub,
        provider=view["provider"],
        calibration=_calibration(view["calibration"]),
        price=book.price(name, row, figures) if row else None,
        max_run_ms=_longest_ms(row, figures),
        typical_run_ms=max(round(figures.run_s * 1000), 1) if figures else 1_000,
        sandbox=bool(view["sandbox"]),
        notes=f"{hub}: {closed or view['notes']}",
        **_points(row, told),
        extra=(("hub", hub), *methods, *_run_per_point(row, told)),
    )
