"""What is there before a schedule begins? One hub with a member and a device, priced and decided once per class."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from types import SimpleNamespace
from typing import TYPE_CHECKING

from broker.domain.budget import Budget
from broker.domain.decision import Decision, Offer
from broker.domain.device import Device, Kind
from broker.domain.hub import Member
from broker.domain.ids import DeviceName, HubId, KeyId, MemberId, OrganisationId, ProjectId
from broker.domain.money import Money, Rate, convert
from broker.domain.price import Price, Usage, charge
from broker.domain.program import Format, Paradigm, Program
from broker.domain.recovery import Recovery
from broker.domain.requirement import Register, Requirement
from broker.services.submit import Submission
from broker.store.requirement_text import dump_requirement

if TYPE_CHECKING:
    from tests.simulation.fake_store import FakeStore

START = datetime(2026, 11, 20, 9, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
VENDORS = {Recovery.TOKEN: "braket", Recovery.TAG: "pasqal", Recovery.BLIND: "quandela", Recovery.RERUN: "local"}
RATE = Rate(id="rate", base="USD", quote="KRW", micros=1_400_000_000, as_of=START, source="test")
PROGRAM = Program.of(Format.OPENQASM2, "OPENQASM 2.0;")
NEED = Requirement(
    format=Format.OPENQASM2, paradigm=Paradigm.GATE, width=1, registers=(Register(name="c", size=1, offset=0),)
)
NEED_TEXT = json.dumps(dump_requirement(NEED))
MEMBER = Member(
    id=MemberId("member"), name="Kim", hub=HubId("hub"), organisation=OrganisationId("kaist"),
    project=ProjectId("project"), key=KeyId("key"), scopes=frozenset(), currency="KRW",
    budgets=("hub:hub", "organisation:kaist", "project:project", "member:member"),
)  # fmt: skip
DEAR_SHOTS = 1000


def moment(now: int) -> datetime:
    """The time of the store and the services, from microseconds since the start of the schedule."""
    return START + now * MICROSECOND


@lru_cache(maxsize=256)
def device_of(recovery: Recovery, concurrency: int, kind: Kind) -> Device:
    """The one device of a class's vendor."""
    name = VENDORS[recovery]
    return Device(
        name=DeviceName(f"{name}/device"), backend=name, vendor_id="device", kind=kind,
        accepts=frozenset({Format.OPENQASM2}), concurrency=concurrency,
        price=Price(
            id=f"price-{name}", device=f"{name}/device",
            currency="KRW" if recovery is Recovery.RERUN else "USD", per_task=300_000, per_shot=900,
            per_second=1_000, as_of=START, source="test",
        ),
    )  # fmt: skip


def price_of(device: Device) -> Price:
    if device.price is None:
        raise LookupError(device.name)
    return device.price


def quote(device: Device, shots: int) -> Money:
    """The worst case in the hub's money."""
    listed = charge(price_of(device), Usage(shots=shots, run_ms=device.max_run_ms))
    return listed if listed.currency == "KRW" else convert(listed, RATE)


_DECIDED: dict[tuple[int, int], SimpleNamespace] = {}


def _decided(device: Device, shots: int) -> SimpleNamespace:
    # By identity: ``device_of`` makes each once, and to hash one takes longer than an admission.
    if (id(device), shots) not in _DECIDED:
        _DECIDED[id(device), shots] = _decide(device, shots)
    return _DECIDED[id(device), shots]


def _decide(device: Device, shots: int) -> SimpleNamespace:
    cost = quote(device, shots)
    offer = Offer(
        device=device.name, cost=cost, list_cost=cost, price=price_of(device).id,
        rate=None if price_of(device).currency == "KRW" else RATE.id,
        wait_s=0.0, wait_p90_s=0.0, run_s=1.0, history=0, success=1.0, score=1.0, sandbox=True,
    )  # fmt: skip
    decision = Decision(offers=(offer,), refusals=(), choice=device.name, why="it is the only one")
    posted = SimpleNamespace(id="snapshot", text="{}", snapshot=SimpleNamespace(devices=(device,)))
    return SimpleNamespace(id=f"{device.name}-{shots}", body="{}", decision=decision, posted=posted)


def submission(device: Device, *, shots: int, key: str, deadline: int | None, at: datetime) -> Submission:
    """What intake and routing hand to the admitter."""
    return Submission(
        member=MEMBER,
        program=PROGRAM,
        requirement_text=NEED_TEXT,
        decided=_decided(device, shots),  # type: ignore[arg-type]
        shots=shots,
        points=(),
        name="job",
        tags=(),
        seed=None,
        options={},
        deadline=None if deadline is None else moment(deadline),
        idempotency_key=key,
        fingerprint=f"{key}-{shots}",
        trace=None,
        at=at,
    )


def furnish(store: FakeStore, recovery: Recovery, device: Device, *, affords: int, may_resubmit: bool) -> None:
    """Put the rows into the tables that stand there before anything happens."""
    tables, price = store.tables, price_of(device)
    limit = _decided(device, DEAR_SHOTS).decision.offers[0].cost.micros * affords
    parent = None
    for name in MEMBER.budgets:
        own = limit if name.startswith("project") else None
        tables["budgets"][name] = Budget(
            id=name, owner=name, parent=parent, currency="KRW", limit_micros=own, held=0, spent=0
        )
        parent = name
    tables["devices"][device.name] = (device, recovery.value, START)
    tables["prices"][price.id] = (price, "vendor")
    tables["rates"][RATE.id] = RATE
    tables["members"][MEMBER.id] = MEMBER
    tables["resubmit"][MEMBER.project] = may_resubmit
