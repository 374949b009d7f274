"""What goes over the wire? Strict request models and the JSON shapes of every answer."""

# Over 300 lines: one list that is read as a whole; splitting it would only hide rows.
from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from broker.domain.device import Kind
from broker.domain.policy import Preference
from broker.domain.program import MAX_SOURCE_BYTES, Format

TEXT = r"^[^\x00]*$"  # PostgreSQL stores every character but this one
ID = r"^[0-9A-Za-z_.:-]+$"
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
ShortText = Annotated[str, Field(max_length=128, pattern=TEXT)]


def _written(value: object) -> object:
    """Pydantic would also take a number, as seconds since 1970."""
    if isinstance(value, str) and not re.match(r"\d{4}-", value):
        raise ValueError("must be a date and time such as 2030-01-31T12:00:00Z")
    if isinstance(value, (int, float)):
        raise ValueError("must be text such as 2030-01-31T12:00:00Z")  # noqa: TRY004  pydantic knows this one
    return value


Moment = Annotated[datetime, BeforeValidator(_written)]


class Strict(BaseModel):
    """Unknown fields are errors, and text is not taken for a number or a number for text."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ProgramBody(Strict):
    """A program, inline."""

    format: Format
    source: str = Field(min_length=1, max_length=MAX_SOURCE_BYTES)


class MoneyBody(Strict):
    """Decimal text and a currency, such as ``{"amount": "5000", "currency": "KRW"}``."""

    amount: str = Field(pattern=r"^\d{1,12}(\.\d{1,6})?$")
    currency: str = Field(pattern=r"^[A-Z]{3}$")


class QuoteRequest(Strict):
    """What a quote and a job have in common: the program, how often, and where it may go."""

    program: ProgramBody
    shots: int = Field(default=1000, ge=1, le=10_000_000, strict=True)
    points: list[dict[ShortText, Number]] = Field(default_factory=list, max_length=1000)
    device: ShortText | None = None
    prefer: Preference = Preference.BALANCED
    kind: Kind | None = None
    max_cost: MoneyBody | None = None
    deadline: Moment | None = None
    min_success: float | None = Field(default=None, ge=0, le=1, strict=True)


class JobRequest(QuoteRequest):
    """A job. ``seed`` is honoured by simulators; ``options`` are vendor options such as ``verbatim``."""

    name: ShortText = ""
    tags: list[ShortText] = Field(default_factory=list, max_length=32)
    seed: int | None = Field(default=None, ge=0, le=2**31 - 1, strict=True)
    options: dict[ShortText, ShortText] = Field(default_factory=dict, max_length=16)


class Problem(BaseModel):
    """An error (RFC 9457). ``code`` is stable; ``line``, ``column`` and ``pointer`` locate it.

    ``removed_at`` and ``rule`` tell when retention removed what was asked for, and why.
    """

    type: str
    title: str
    status: int
    code: str
    detail: str
    hint: str | None = None
    line: int | None = None
    column: int | None = None
    pointer: str | None = None
    refusals: list[RefusalView] | None = None
    budget: str | None = None
    removed_at: str | None = None
    rule: str | None = None
    retry_after: float | None = None


class MoneyView(BaseModel):
    """``amount`` is exact decimal text; ``display`` is rounded for people."""

    amount: str
    currency: str
    display: str


class CostView(BaseModel):
    """Amounts as exact decimal text in ``currency``; ``charged`` is null until settled."""

    quoted: str
    held: str
    charged: str | None
    currency: str


class LatencyView(BaseModel):
    """Seconds of each stage so far; null for a stage not reached."""

    broker_queue_s: float | None
    vendor_queue_s: float | None
    run_s: float | None
    fetch_s: float | None
    total_s: float


class MoveView(BaseModel):
    """One entry of a timeline."""

    state: str
    at: datetime
    reason: str


class ProgramView(BaseModel):
    """The program by name and shape; ``width`` is qubits, atoms or modes; ``qubits`` repeats it for gate programs."""

    format: Format
    sha256: str
    paradigm: str
    width: int
    qubits: int | None
    depth: int
    gates: dict[str, int]
    parameters: list[str]


class AttemptView(BaseModel):
    """One try at one device, with the vendor's own task id."""

    id: str
    number: int
    device: str
    token: str
    remote_id: str | None
    vendor_status: str | None
    queue_position: int | None
    outcome: str | None
    at: datetime


class ErrorView(BaseModel):
    """Why a job failed."""

    code: str
    message: str


class JobView(BaseModel):
    """A job as every reader sees it."""

    id: str
    state: str
    name: str
    tags: list[str]
    device: str
    sandbox: bool
    program: ProgramView
    shots: int
    points: int
    seed: int | None
    cost: CostView
    created_at: datetime
    updated_at: datetime
    deadline: datetime | None
    cancel_requested: bool
    error: ErrorView | None
    attempt: AttemptView | None
    timeline: list[MoveView]
    latency: LatencyView
    project: str
    member: str
    trace_id: str | None
    links: dict[str, str]


class JobList(BaseModel):
    """A page of jobs, newest first; pass ``next_cursor`` as ``cursor`` for the next one."""

    jobs: list[JobView]
    next_cursor: str | None


class OfferView(BaseModel):
    """A device that can run the job; lower ``score`` is better."""

    device: str
    cost: MoneyView
    list_cost: MoneyView
    wait_s: float
    wait_p90_s: float
    run_s: float
    history: int
    success: float
    score: float
    sandbox: bool


class RefusalView(BaseModel):
    """A device that cannot or may not run the job, with the rule and the reason."""

    device: str
    rule: str
    reason: str


class DecisionView(BaseModel):
    """Every offer and refusal, and the choice."""

    choice: str | None
    why: str
    prefer: str
    decided_at: datetime
    offers: list[OfferView]
    refusals: list[RefusalView]


class QuoteView(DecisionView):
    """A decision without a job: nothing is held and nothing is sent."""

    program: ProgramView


class DeviceView(BaseModel):
    """A device as the caller's hub sees it; ``accessible`` false has the rule in ``refusal``."""

    name: str
    backend: str
    provider: str
    vendor_id: str
    region: str
    kind: str
    status: str
    accepts: list[str]
    width: int | None
    max_shots: int
    sweeps: bool
    run_per_point: bool
    max_run_s: float
    queue_depth: int | None
    wait_s: float | None
    available_now: bool
    next_window: datetime | None
    price: dict[str, Any] | None
    calibration: dict[str, Any] | None
    sandbox: bool
    accessible: bool
    refusal: str | None
    notes: str


class DeviceList(BaseModel):
    """All devices known to the broker."""

    devices: list[DeviceView]


class GateSpecsView(BaseModel):
    """A machine of qubits in the vendor's labels; ``edges`` null is all to all, times are seconds (docs/api.md)."""

    native: list[str]
    supported: list[str]
    qubits: list[str]
    edges: list[tuple[str, str]] | None
    one_qubit: dict[str, dict[str, float | None]]
    two_qubit: dict[str, dict[str, float]]
    angles: dict[str, list[dict[str, Any] | None]]


class SpecsView(BaseModel):
    """What a device is made of; ``sha256`` is the hash of the stored text without itself, and the ETag."""

    device: str
    gate: GateSpecsView | None
    analog: str | None
    photonic: dict[str, Any] | None
    vendor: dict[str, Any] | None
    as_of: datetime | None
    sha256: str


class PointView(BaseModel):
    """One point of a sweep: the parameter values it bound and what came out."""

    bindings: dict[str, float]
    counts: dict[str, int]
    shots: int


class ResultView(BaseModel):
    """The normal form of a result (docs/api.md); ``counts`` repeats the only point of a job that is no sweep.

    ``bit_order`` says how a key of ``counts`` is read; ``sha256`` is the hash of the stored body without itself.
    """

    schema_version: str
    kind: str
    counts: dict[str, int] | None
    points: list[PointView]
    shots: dict[str, int]
    bit_order: str
    registers: list[dict[str, Any]]
    device: str
    sandbox: bool
    calibration: str | None
    compiled: str | None
    raw: str | None
    software: dict[str, str]
    engine: str | None
    warnings: list[str]
    sha256: str


class EventView(BaseModel):
    """One move of one job; ``id`` is the stream position."""

    id: int
    job_id: str
    before: str | None
    state: str
    at: datetime
    reason: str


class EventList(BaseModel):
    """The events of one job, oldest first."""

    events: list[EventView]


class KeyRequest(Strict):
    """A new API key for a member of the caller's hub (own member if omitted); ``limit`` is what it may spend."""

    member: ShortText | None = None
    name: ShortText = ""
    scopes: list[ShortText] | None = Field(default=None, max_length=32)
    expires_at: Moment | None = None
    limit: MoneyBody | None = None


class KeyView(BaseModel):
    """A key without its secret; it ends when a key that made it ends, ``left`` is of its own ``limit``."""

    id: str
    name: str
    member: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    made_by: str | None
    limit: MoneyView | None
    left: MoneyView | None


class KeyCreated(KeyView):
    """The only time the secret is shown."""

    key: str


class KeyList(BaseModel):
    """The caller's keys."""

    keys: list[KeyView]


class Adopt(Strict):
    """An operator's finding: the vendor's job id for a job in ``attention``."""

    remote_id: str = Field(min_length=1, max_length=256, pattern=TEXT)
    reason: str = Field(min_length=1, max_length=512, pattern=TEXT)


class Release(Strict):
    """An operator's finding: the vendor never got it."""

    reason: str = Field(min_length=1, max_length=512, pattern=TEXT)


class WallView(BaseModel):
    """A wall around the programs that a machine runs; ``means`` says what is open where it does not stand."""

    machine: str
    wall: str
    stands: bool
    means: str
    seen_at: Moment


class WallList(BaseModel):
    """Of every machine that has reported."""

    walls: list[WallView]


class HostView(BaseModel):
    """A machine that runs local simulations, as it last described itself; ``runs`` are the jobs that it has now."""

    id: str
    machine: str
    version: str
    lives: bool
    joined_at: Moment
    beat_at: Moment
    cores: int
    free_cores: int
    memory_bytes: int
    free_memory_bytes: int
    devices: list[str]
    runs: int


class HostList(BaseModel):
    """Every host of the last day, dead ones among them."""

    hosts: list[HostView]


class Health(BaseModel):
    """Each part with ``ok`` or what is wrong; ``unready`` admits nothing, ``degraded`` admits what then waits."""

    status: Literal["ok", "degraded", "unready"]
    checks: dict[str, str]


Problem.model_rebuild()
