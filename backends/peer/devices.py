"""What does a peer offer? Its accessible devices as ours, with what its list says and what its quotes tell."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from backends.peer.prices import row_of
from backends.peer.probes import WIDTHS, Figures
from broker.domain.device import Calibration, Device, Kind, Status
from broker.domain.ids import DeviceName
from broker.domain.program import Format

if TYPE_CHECKING:
    from collections.abc import Mapping

    from backends.peer.prices import PriceBook
    from backends.peer.probes import Answer

NAME = "peer"
MAX_SHOTS = 10_000_000
_BASIC = ("gate", "stabilizer", f"dense{WIDTHS[0]}", "pulser", "ahs", "perceval")
# Rules that say nothing of the program: the peer would refuse whatever we send.
_CLOSED = frozenset({"status", "paused", "price_unknown", "rate_unknown", "price_stale"})
_CONCURRENCY = {Kind.QPU: 2, Kind.SIMULATOR: 16}
# A hub of the release before does not say how long a run may last there: as long as the longest that we know of, for
# a hold that is too small is our loss.
_SILENT_RUN_S = 21_600


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
        accepts=frozenset(fmt for fmt in Format if fmt.value in view["accepts"]),
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
        max_run_ms=round(float(view.get("max_run_s") or _SILENT_RUN_S) * 1000),
        typical_run_ms=max(round(figures.run_s * 1000), 1) if figures else 1_000,
        sandbox=bool(view["sandbox"]),
        notes=f"{hub}: {closed or view['notes']}",
        sweeps=bool(view.get("sweeps", False)),
        run_per_point=bool(view.get("run_per_point", True)),
        methods=methods,
        extra=(("hub", hub),),
    )


def _state(view: Mapping[str, Any], told: Told) -> tuple[int | None, tuple[str, ...]]:
    """The widest dense state that it takes where its list gives no bound, and the methods that do without one."""
    if view["width"] is not None or not told.refuses(f"dense{WIDTHS[-1]}", "memory"):
        return None, ()
    taken = [width for width in WIDTHS if told.offers(f"dense{width}")]
    methods = ("statevector", *(method for method in ("stabilizer", "matrix_product_state") if told.offers(method)))
    return 16 << max(taken, default=WIDTHS[0] - 1), methods


def _calibration(body: Mapping[str, Any] | None) -> Calibration | None:
    if body is None:
        return None
    return Calibration(
        one_qubit_error=body["one_qubit_error"],
        two_qubit_error=body["two_qubit_error"],
        readout_error=body["readout_error"],
        as_of=None if body["as_of"] is None else datetime.fromisoformat(body["as_of"]),
        raw=None if body["raw"] is None else json.dumps(body["raw"], sort_keys=True),
    )
