"""What does the server answer? The JSON shapes as types; read by type checkers only, never at run time."""

from __future__ import annotations

from typing import Any, TypedDict

Json = Any  # what ``json.loads`` gives, before anyone has looked at it


class Money(TypedDict):
    """``amount`` is exact decimal text; ``display`` is rounded for people."""

    amount: str
    currency: str
    display: str


class Cost(TypedDict):
    """Exact decimal text in ``currency``; ``charged`` is None until settled."""

    quoted: str
    held: str
    charged: str | None
    currency: str


class Latency(TypedDict):
    """Seconds of each stage; None for a stage not reached."""

    broker_queue_s: float | None
    vendor_queue_s: float | None
    run_s: float | None
    fetch_s: float | None
    total_s: float


class Move(TypedDict):
    """One entry of a timeline."""

    state: str
    at: str
    reason: str


class Program(TypedDict):
    """A program by name and shape."""

    format: str
    sha256: str
    paradigm: str
    width: int
    qubits: int | None
    depth: int
    gates: dict[str, int]
    parameters: list[str]


class Attempt(TypedDict):
    """One try at one device."""

    id: str
    number: int
    device: str
    token: str
    remote_id: str | None
    vendor_status: str | None
    queue_position: int | None
    outcome: str | None
    at: str


class Failure(TypedDict):
    """Why a job failed."""

    code: str
    message: str


class Job(TypedDict):
    """A job as every reader sees it; times are ISO 8601 text."""

    id: str
    state: str
    name: str
    tags: list[str]
    device: str
    sandbox: bool
    program: Program
    shots: int
    points: int
    seed: int | None
    cost: Cost
    created_at: str
    updated_at: str
    deadline: str | None
    cancel_requested: bool
    error: Failure | None
    attempt: Attempt | None
    timeline: list[Move]
    latency: Latency
    project: str
    member: str
    trace_id: str | None
    links: dict[str, str]


class JobPage(TypedDict):
    """A page of jobs, newest first."""

    jobs: list[Job]
    next_cursor: str | None


class Offer(TypedDict):
    """A device that can run the job; lower ``score`` is better."""

    device: str
    cost: Money
    list_cost: Money
    wait_s: float
    wait_p90_s: float
    run_s: float
    history: int
    success: float
    score: float
    sandbox: bool


class Refusal(TypedDict):
    """A device that cannot or may not run the job."""

    device: str
    rule: str
    reason: str


class Decision(TypedDict):
    """Every offer and refusal, and the choice."""

    choice: str | None
    why: str
    prefer: str
    decided_at: str
    offers: list[Offer]
    refusals: list[Refusal]


class Quote(Decision):
    """A decision without a job."""

    program: Program


class Device(TypedDict):
    """A device as the caller's hub sees it."""

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
    next_window: str | None
    price: dict[str, Any] | None
    calibration: dict[str, Any] | None
    sandbox: bool
    accessible: bool
    refusal: str | None
    notes: str


class GateSpecs(TypedDict):
    """A machine of qubits in the vendor's labels; ``edges`` None is all to all, times are seconds."""

    native: list[str]
    supported: list[str]
    qubits: list[str]
    edges: list[tuple[str, str]] | None
    one_qubit: dict[str, dict[str, float | None]]
    two_qubit: dict[str, dict[str, float]]
    angles: dict[str, list[dict[str, Any] | None]]


class Specs(TypedDict):
    """What a device is made of; ``sha256`` names the version."""

    device: str
    gate: GateSpecs | None
    analog: str | None
    photonic: dict[str, Any] | None
    vendor: dict[str, Any] | None
    as_of: str | None
    sha256: str


class Event(TypedDict):
    """One move of one job; ``id`` is the stream position."""

    id: int
    job_id: str
    before: str | None
    state: str
    at: str
    reason: str


class Key(TypedDict):
    """A key without its secret."""

    id: str
    name: str
    member: str
    scopes: list[str]
    created_at: str
    expires_at: str | None
    revoked_at: str | None
    last_used_at: str | None
    made_by: str | None
    limit: Money | None
    left: Money | None


class NewKey(Key):
    """The only time the secret is shown."""

    key: str


class Health(TypedDict):
    """``ok`` or the parts that are not."""

    status: str
    checks: dict[str, str]


class Point(TypedDict):
    """One point of a result."""

    bindings: dict[str, float]
    counts: dict[str, int]
    shots: int


class Result(TypedDict):
    """The normal form of a result, for gate, analog and photonic runs alike."""

    schema_version: str
    kind: str
    counts: dict[str, int] | None
    points: list[Point]
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


class RequestFields(TypedDict, total=False):
    """The body of a quote or a job."""

    program: dict[str, str]
    shots: int
    points: list[dict[str, float]]
    device: str
    prefer: str
    kind: str
    max_cost: dict[str, str]
    deadline: str
    min_success: float
    name: str
    tags: list[str]
    seed: int
    options: dict[str, str]
