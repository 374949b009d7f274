"""What can a job be sent to? One QPU or simulator with its abilities, hours, health and price, all as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from broker.domain.program import Format

if TYPE_CHECKING:
    from datetime import datetime, time

    from broker.domain.ids import DeviceName
    from broker.domain.price import Price


class Kind(StrEnum):
    """Whether real atoms are involved."""

    QPU = "qpu"
    SIMULATOR = "simulator"


class Status(StrEnum):
    """What the vendor says of the device."""

    ONLINE = "online"
    OFFLINE = "offline"
    RETIRED = "retired"


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """Weekly hours (UTC) in which the device runs jobs; ``days`` are ISO weekdays 1..7."""

    days: frozenset[int]
    start: time
    end: time


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibration:
    """Mean error figures as published by the vendor; None where it says nothing. ``raw`` is the vendor's own JSON."""

    one_qubit_error: float | None = None
    two_qubit_error: float | None = None
    readout_error: float | None = None
    as_of: datetime | None = None
    raw: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Device:
    """One QPU or simulator. ``width`` bounds qubits, atoms or modes; None means no limit of this kind.

    ``vendor_id`` is the vendor's own name (an ARN, a device type, a platform). ``concurrency`` is k, the number of
    our jobs that may wait or run there at once; the rest stays re-rankable here. ``sandbox`` marks a device served by
    a local sandbox instead of the vendor. ``sweeps`` says that points travel in one vendor task. ``max_run_ms`` is the
    longest run that the device allows, the worst case for time-priced devices; with ``run_per_point`` each point of a
    task may run for as long. ``billed`` marks a simulator that is not free where no price is known. ``methods`` are
    those of a simulator; one that names none has the dense state. ``result_types``: Braket's result pragmas are carried
    out. ``extra`` is the adapter's own, read by nobody else.
    """

    name: DeviceName
    backend: str
    vendor_id: str
    kind: Kind
    accepts: frozenset[Format]
    width: int | None = None
    min_shots: int = 1
    max_shots: int = 1_000_000
    max_points: int = 1000
    max_photons: int | None = None
    max_operations: int | None = None
    max_duration_us: float | None = None
    max_memory_bytes: int | None = None
    dynamic: bool = False
    result_types: bool = False
    global_drive_only: bool = False
    sweeps: bool = True
    status: Status = Status.ONLINE
    windows: tuple[Window, ...] = ()
    queue_depth: int | None = None
    concurrency: int = 2
    region: str = ""
    provider: str = ""
    calibration: Calibration | None = None
    price: Price | None = None
    max_run_ms: int = 60_000
    typical_run_ms: int = 1_000
    run_per_point: bool = False
    billed: bool = False
    methods: tuple[str, ...] = ()
    sandbox: bool = False
    notes: str = ""
    extra: tuple[tuple[str, str], ...] = field(default=())
