"""What is there before a schedule begins? One hub with a member and a device, priced and decided once per class."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from broker.domain.budget import Budget
from broker.domain.device import Device, Kind
from broker.domain.estimate import worst_case
from broker.domain.hub import Access, Agreement, Member
from broker.domain.ids import DeviceName, HubId, KeyId, MemberId, OrganisationId, ProjectId
from broker.domain.money import Money, Rate, convert
from broker.domain.policy import Policy
from broker.domain.price import Price, charge, flat
from broker.domain.program import Format, Paradigm, Program
from broker.domain.recovery import Recovery
from broker.domain.requirement import Register, Requirement
from broker.domain.snapshot import Snapshot
from broker.services.decide import Asked, decide
from broker.services.market import Posted
from broker.services.submit import Submission
from broker.store.requirement_text import dump_requirement
from broker.store.rows import compact

if TYPE_CHECKING:
    from broker.services.decide import Decided
    from tests.simulation.fake_store import FakeStore

START = datetime(2026, 11, 20, 9, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
VENDORS = {Recovery.TOKEN: "braket", Recovery.TAG: "pasqal", Recovery.BLIND: "quandela", Recovery.RERUN: "local"}
RATES = {
    base: Rate(id=f"rate-{base}", base=base, quote="KRW", micros=micros, as_of=START, source="test")
    for base, micros in (("USD", 1_400_000_000), ("EUR", 1_600_000_000), ("QCR", 1_500_000_000))
}
PROGRAM = Program.of(Format.OPENQASM2, "OPENQASM 2.0;")
NEED = Requirement(
    format=Format.OPENQASM2, paradigm=Paradigm.GATE, width=1, registers=(Register(name="c", size=1, offset=0),)
)
MEMBER = Member(
    id=MemberId("member"), name="Kim", hub=HubId("hub"), organisation=OrganisationId("kaist"),
    project=ProjectId("project"), key=KeyId("key"), scopes=frozenset(), currency="KRW",
    budgets=("hub:hub", "organisation:kaist", "project:project", "member:member"),
)  # fmt: skip
ACCESS = Access(
    hub=MEMBER.hub, hub_name="hub",
    agreements=(Agreement(id="all", hub=MEMBER.hub, pattern="*", source="test"),),
)  # fmt: skip
DEAR_SHOTS = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """What every job of a schedule runs: a program with what intake found in it, and that as it is stored."""

    program: Program
    need: Requirement
    text: str


def piece_of(program: Program, need: Requirement) -> Piece:
    return Piece(program=program, need=need, text=json.dumps(dump_requirement(need)))


PIECE = piece_of(PROGRAM, NEED)


def moment(now: int) -> datetime:
    """The time of the store and the services, from microseconds since the start of the schedule."""
    return START + now * MICROSECOND


@lru_cache(maxsize=256)
def device_of(recovery: Recovery, concurrency: int, kind: Kind) -> Device:
    """The device of a class's vendor to which jobs are sent first."""
    return _device("device", 100, recovery, concurrency, kind)


@lru_cache(maxsize=256)
def second_of(recovery: Recovery, concurrency: int, kind: Kind, percent: int) -> Device:
    """The one that is next if the first refuses; ``percent`` is its price against the first's."""
    return _device("second", percent, recovery, concurrency, kind)


def _device(vendor_id: str, percent: int, recovery: Recovery, concurrency: int, kind: Kind) -> Device:
    backend = VENDORS[recovery]
    name = DeviceName(f"{backend}/{vendor_id}")
    return Device(
        name=name, backend=backend, vendor_id=vendor_id, kind=kind,
        accepts=frozenset({Format.OPENQASM2}), concurrency=concurrency, sandbox=True,
        price=Price(
            id=f"price-{name}", device=name, currency="KRW" if recovery is Recovery.RERUN else "USD",
            components=flat(per_task=3_000 * percent, per_shot=9 * percent, per_second=10 * percent),
            as_of=START, source="test",
        ),
    )  # fmt: skip


def price_of(device: Device) -> Price:
    if device.price is None:
        raise LookupError(device.name)
    return device.price


def in_won(listed: Money) -> Money:
    """What a vendor lists, in the hub's currency."""
    return listed if listed.currency == MEMBER.currency else convert(listed, RATES[listed.currency])


def at_worst(device: Device, piece: Piece, shots: int) -> Money:
    """What the vendor bills at most for so many shots, in its currency."""
    return charge(price_of(device), worst_case(device, replace(piece.need, shots=shots, points=1)))


def first_quote(device: Device, piece: Piece, shots: int) -> int:
    """The worst case on the first device, in micro-units of the hub's currency."""
    return _decided(device, piece, shots, None).chosen()[0].cost.micros


_DECIDED: dict[tuple[int, int, int, int | None], tuple[Piece, Decided]] = {}


def _decided(device: Device, piece: Piece, shots: int, most: int | None) -> Decided:
    # By identity: each is made once, and to hash one takes longer than an admission. Both are kept beside the
    # decision, so that no other can get their identity.
    key = (id(device), id(piece), shots, most)
    if key not in _DECIDED:
        _DECIDED[key] = piece, _decide(device, piece, shots, most)
    return _DECIDED[key][1]


def _decide(device: Device, piece: Piece, shots: int, most: int | None) -> Decided:
    """The real decision over the one device that is known when a schedule begins."""
    rates = {(rate.base, rate.quote): rate for rate in RATES.values()}
    snapshot = Snapshot(at=START, devices=(device,), forecasts={}, rates=rates, paused={})
    text = compact(snapshot.document())
    limit = None if most is None else Money(currency="KRW", micros=most)
    asked = Asked(
        need=replace(piece.need, shots=shots, points=1), policy=Policy(max_cost=limit), access=ACCESS, currency="KRW"
    )
    return decide(asked, Posted(id=hashlib.sha256(text.encode()).hexdigest(), snapshot=snapshot, text=text))


def submission(
    device: Device, piece: Piece, *, shots: int, most: int | None, key: str, deadline: int | None, at: datetime
) -> Submission:
    """What intake and routing hand to the admitter; ``most`` is the member's maximum cost in micro-units of KRW."""
    return Submission(
        member=MEMBER,
        program=piece.program,
        requirement_text=piece.text,
        decided=_decided(device, piece, shots, most),
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


def furnish(
    store: FakeStore, recovery: Recovery, *devices: Device, piece: Piece, affords: int, may_resubmit: bool
) -> None:
    """Put the rows into the tables that stand there before anything happens."""
    tables = store.tables
    limit = first_quote(devices[0], piece, DEAR_SHOTS) * affords
    parent = None
    for name in MEMBER.budgets:
        own = limit if name.startswith("project") else None
        tables["budgets"][name] = Budget(
            id=name, owner=name, parent=parent, currency="KRW", limit_micros=own, held=0, spent=0
        )
        parent = name
    for device in devices:
        tables["devices"][device.name] = (device, recovery.value, START)
        price = price_of(device)
        tables["prices"][price.id] = (price, "vendor")
        if price.currency in RATES:
            tables["rates"][RATES[price.currency].id] = RATES[price.currency]
    tables["access"][MEMBER.hub] = ACCESS
    tables["members"][MEMBER.id] = MEMBER
    tables["resubmit"][MEMBER.project] = may_resubmit
