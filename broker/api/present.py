"""How do values look on the wire? Plain dictionaries in the shapes of schemas.py, built without validation."""

from __future__ import annotations

import json
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from broker.domain.eta import next_open
from broker.domain.money import MICRO, Money
from broker.domain.price import flattened
from broker.domain.price_document import FLAT, terms_text
from broker.domain.program import Paradigm

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from broker.domain.attempt import Attempt
    from broker.domain.budget import Budget
    from broker.domain.decision import Decision
    from broker.domain.device import Calibration, Device
    from broker.domain.hub import Access
    from broker.domain.job import Job
    from broker.domain.latency import Latency
    from broker.domain.requirement import Requirement
    from broker.domain.snapshot import Snapshot
    from broker.domain.wall import Wall
    from broker.reads.jobs import Page, Seen
    from broker.store.events import StoredEvent
    from broker.store.people import KeyRow


def amount(micros: int) -> str:
    """Exact decimal text of micro-units, without trailing zeros."""
    whole, part = divmod(abs(micros), MICRO)
    sign = "-" if micros < 0 else ""
    return f"{sign}{whole}" + (f".{part:06d}".rstrip("0") if part else "")


def time(at: datetime | None) -> str | None:
    """ISO 8601 in UTC with a Z."""
    return None if at is None else at.isoformat().replace("+00:00", "Z")


def money(value: Money) -> dict[str, str]:
    """Exact, and for people."""
    return {"amount": amount(value.micros), "currency": value.currency, "display": str(value)}


def wall(seen: Wall) -> dict[str, Any]:
    """One wall of a machine; what it means matters where it is missing."""
    means = "" if seen.stands else seen.means
    return {
        "machine": seen.machine,
        "wall": seen.name,
        "stands": seen.stands,
        "means": means,
        "seen_at": time(seen.seen_at),
    }


def program(sha256: str, need: Requirement) -> dict[str, Any]:
    """A program by name and shape."""
    return {
        "format": need.format.value,
        "sha256": sha256,
        "paradigm": need.paradigm.value,
        "width": need.width,
        "qubits": need.width if need.paradigm is Paradigm.GATE else None,
        "depth": need.depth,
        "gates": {str(arity): count for arity, count in need.gates},
        "parameters": list(need.parameters),
    }


def attempt(value: Attempt) -> dict[str, Any]:
    """One try."""
    return {
        "id": value.id,
        "number": value.number,
        "device": value.device,
        "token": value.token,
        "remote_id": value.remote_id,
        "vendor_status": value.word,
        "queue_position": value.queue_position,
        "outcome": None if value.end is None else value.end.value,
        "at": time(value.intent_at),
    }


def latency(value: Latency) -> dict[str, float | None]:
    """The split."""
    return {
        "broker_queue_s": value.broker_queue_s,
        "vendor_queue_s": value.vendor_queue_s,
        "run_s": value.run_s,
        "fetch_s": value.fetch_s,
        "total_s": value.total_s,
    }


FRESH_LATENCY = {"broker_queue_s": 0.0, "vendor_queue_s": None, "run_s": None, "fetch_s": None, "total_s": 0.0}


def job(
    value: Job,
    need: Requirement,
    *,
    points: int,
    tried: Attempt | None,
    moves: Sequence[tuple[str, datetime, str]],
    split: dict[str, float | None],
) -> dict[str, Any]:
    """A job as every reader sees it."""
    return {
        "id": value.id,
        "state": value.state.value,
        "name": value.name,
        "tags": list(value.tags),
        "device": value.device,
        "sandbox": value.sandbox,
        "program": program(value.program, need),
        "shots": value.shots,
        "points": max(1, points),
        "seed": value.seed,
        "cost": {
            "quoted": amount(value.quoted.micros),
            "held": amount(value.held.micros),
            "charged": None if value.charged is None else amount(value.charged.micros),
            "currency": value.held.currency,
        },
        "created_at": time(value.created_at),
        "updated_at": time(value.updated_at),
        "deadline": time(value.deadline),
        "cancel_requested": value.cancel_requested,
        "error": None if value.error_code is None else {"code": value.error_code, "message": value.error},
        "attempt": None if tried is None else attempt(tried),
        "timeline": [{"state": state, "at": time(at), "reason": reason} for state, at, reason in moves],
        "latency": split,
        "project": value.project,
        "member": value.member,
        "trace_id": value.trace,
        "links": _links(f"/v1/jobs/{value.id}"),
    }


def _links(path: str) -> dict[str, str]:
    return {
        "self": path,
        "result": f"{path}/result",
        "events": f"{path}/events",
        "decision": f"{path}/decision",
        "cancel": f"{path}/cancel",
    }


def seen(value: Seen) -> dict[str, Any]:
    """A job that was looked up."""
    moves = [(event.after, event.at, event.reason) for event in value.events]
    split = latency(value.latency)
    return job(value.job, value.requirement, points=value.points, tried=value.attempt, moves=moves, split=split)


def page(value: Page) -> dict[str, Any]:
    """Jobs, and where the next ones begin."""
    return {"jobs": [seen(each) for each in value.jobs], "next_cursor": value.following}


def decision(value: Decision, *, prefer: str, decided_at: datetime) -> dict[str, Any]:
    """Every offer and refusal, and the choice."""
    return {
        "choice": value.choice,
        "why": value.why,
        "prefer": prefer,
        "decided_at": time(decided_at),
        "offers": [
            {
                "device": offer.device,
                "cost": money(offer.cost),
                "list_cost": money(offer.list_cost),
                "wait_s": offer.wait_s,
                "wait_p90_s": offer.wait_p90_s,
                "run_s": offer.run_s,
                "history": offer.history,
                "success": offer.success,
                "score": offer.score,
                "sandbox": offer.sandbox,
            }
            for offer in value.offers
        ],
        "refusals": [{"device": no.device, "rule": no.rule, "reason": no.reason} for no in value.refusals],
    }


def _calibration(value: Calibration) -> dict[str, Any]:
    return {
        "one_qubit_error": value.one_qubit_error,
        "two_qubit_error": value.two_qubit_error,
        "readout_error": value.readout_error,
        "as_of": time(value.as_of),
        "raw": None if value.raw is None else json.loads(value.raw),
    }


def _price(value: Device) -> dict[str, Any] | None:
    price = value.price
    if price is None:
        return None
    four = flattened(price)
    # Null, not "0", where the four cannot say it: a peer of before must not take it for free.
    amounts = [None] * len(FLAT) if four is None else [amount(each) for each in four[: len(FLAT)]]
    return {
        "id": price.id,
        "currency": price.currency,
        **dict(zip(FLAT, amounts, strict=True)),
        "minimum_s": None if four is None else str(Decimal(four[-1]) / 1000),
        **terms_text(price),
        "as_of": time(price.as_of),
        "source": price.source,
    }


def device(
    value: Device, snapshot: Snapshot, access: Access, resting: Mapping[str, str] = MappingProxyType({})
) -> dict[str, Any]:
    """A device as one hub sees it; ``resting`` says of devices and backends why nothing is sent there just now."""
    rests = resting.get(value.name) or resting.get(value.backend)
    opens = next_open(value.windows, snapshot.at)
    outlook = snapshot.forecasts.get(value.name)
    refusal = access.objection(value.name, snapshot.at)
    return {
        "name": value.name,
        "backend": value.backend,
        "provider": value.provider,
        "vendor_id": value.vendor_id,
        "region": value.region,
        "kind": value.kind.value,
        "status": value.status.value,
        "accepts": sorted(fmt.value for fmt in value.accepts),
        "width": value.width,
        "max_shots": value.max_shots,
        "sweeps": value.sweeps,
        "run_per_point": value.run_per_point,
        "max_run_s": value.max_run_ms / 1000,
        "queue_depth": value.queue_depth,
        "wait_s": None if outlook is None else outlook.wait_s,
        "available_now": value.status.value == "online" and opens <= snapshot.at and rests is None,
        "next_window": time(opens) if opens > snapshot.at else None,
        "price": _price(value),
        "calibration": None if value.calibration is None else _calibration(value.calibration),
        "sandbox": value.sandbox,
        "accessible": refusal is None,
        "refusal": refusal,
        "notes": value.notes if rests is None else f"nothing is sent there now ({rests}); {value.notes}",
    }


def event(value: StoredEvent) -> dict[str, Any]:
    """One move in the stream."""
    return {
        "id": value.seq,
        "job_id": value.job,
        "before": value.before,
        "state": value.after,
        "at": time(value.at),
        "reason": value.reason,
    }


def key(value: KeyRow, budget: Budget | None = None) -> dict[str, Any]:
    """A key without its secret; ``budget`` is its own."""
    limit = left = None
    if budget is not None and budget.limit_micros is not None:
        limit = money(Money(currency=budget.currency, micros=budget.limit_micros))
        left = money(Money(currency=budget.currency, micros=budget.left or 0))
    return {
        "id": value.id,
        "name": value.name,
        "member": value.member,
        "scopes": list(value.scopes),
        "created_at": time(value.created_at),
        "expires_at": time(value.expires_at),
        "revoked_at": time(value.revoked_at),
        "last_used_at": time(value.last_used_at),
        "made_by": value.parent,
        "limit": limit,
        "left": left,
    }
