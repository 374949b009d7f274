"""Which values can a domain field take? Hypothesis strategies that know nothing but the types."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import strategies as st

from broker.domain.device import Calibration, Device, Kind, Status, Window
from broker.domain.hub import Access, Agreement
from broker.domain.money import Money, Rate
from broker.domain.policy import Policy, Preference
from broker.domain.price import Component, Price, Tier, Unit, flat
from broker.domain.program import PARADIGM, Format
from broker.domain.requirement import Register, Requirement
from broker.domain.snapshot import Forecast, Snapshot

names = st.sampled_from([f"{backend}/{device}" for backend in ("a", "b", "c") for device in ("x", "y", "z")])
words = st.text(max_size=8)
currencies = st.sampled_from(["KRW", "USD", "EUR", "QCR"])
micros = st.integers(0, 10**12)
seconds = st.floats(0, 1e7)
chances = st.floats(0, 1)
zones = st.sampled_from([UTC, timezone(timedelta(hours=9)), timezone(timedelta(hours=-4, minutes=-30))])
moments = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=zones)  # noqa: DTZ001  the zone is drawn


def maybe(strategy):
    return st.none() | strategy


windows = st.builds(Window, days=st.frozensets(st.integers(1, 7), max_size=7), start=st.times(), end=st.times())
calibrations = st.builds(
    Calibration,
    one_qubit_error=maybe(chances),
    two_qubit_error=maybe(chances),
    readout_error=maybe(chances),
    as_of=maybe(moments),
    raw=maybe(words),
)
components = st.builds(
    Component,
    unit=st.sampled_from(Unit),
    rate=micros,
    per=st.sampled_from([1, 10, 1000, 3_600_000]),
    step=st.integers(1, 100),
    minimum=st.integers(0, 10_000),
    tiers=st.lists(st.tuples(st.integers(1, 10**9), micros), max_size=3, unique_by=lambda tier: tier[0]).map(
        lambda tiers: tuple(Tier(*tier) for tier in sorted(tiers))
    ),
)
prices = st.builds(
    Price,
    id=words,
    device=names,
    currency=currencies,
    components=st.builds(flat, per_task=micros, per_shot=micros, per_second=micros, minimum_ms=st.integers(0, 10_000))
    | st.lists(components, max_size=4).map(tuple),
    minimum=micros,
    counter=st.sampled_from(["", "pasqal/qpu"]),
    as_of=moments,
    source=words,
)
devices = st.builds(
    Device,
    name=names,
    backend=st.sampled_from(["a", "b", "c"]),
    vendor_id=words,
    kind=st.sampled_from(Kind),
    accepts=st.frozensets(st.sampled_from(Format)),
    width=maybe(st.integers(1, 100)),
    min_shots=st.integers(1, 10),
    max_shots=st.integers(100, 10_000),
    max_points=st.integers(1, 100),
    max_photons=maybe(st.integers(1, 20)),
    max_operations=maybe(st.integers(1, 10_000)),
    max_duration_us=maybe(st.floats(0, 100)),
    max_memory_bytes=maybe(st.integers(1, 1 << 40)),
    dynamic=st.booleans(),
    result_types=st.booleans(),
    global_drive_only=st.booleans(),
    sweeps=st.booleans(),
    status=st.sampled_from(Status),
    windows=st.lists(windows, max_size=2).map(tuple),
    queue_depth=maybe(st.integers(0, 1000)),
    concurrency=st.integers(1, 8),
    region=words,
    provider=words,
    calibration=maybe(calibrations),
    price=maybe(prices),
    max_run_ms=st.integers(1, 10**7),
    typical_run_ms=st.integers(1, 10**6),
    sandbox=st.booleans(),
    notes=words,
    run_per_point=st.booleans(),
    billed=st.booleans(),
    methods=st.lists(st.sampled_from(["stabilizer", "matrix_product_state"]), unique=True).map(tuple),
    extra=st.lists(st.sampled_from([("hub", "seoul"), ("commands", "probs")]), unique=True).map(tuple),
)
rates = st.builds(
    Rate, id=words, base=currencies, quote=currencies, micros=st.integers(1, 10**10), as_of=moments, source=words
)
forecasts = st.builds(Forecast, wait_s=seconds, wait_p90_s=seconds, run_s=seconds, history=st.integers(0, 1000))
snapshots = st.builds(
    Snapshot,
    at=moments,
    devices=st.lists(devices, max_size=6, unique_by=lambda device: device.name).map(tuple),
    forecasts=st.dictionaries(names, forecasts, max_size=4),
    rates=st.lists(rates, max_size=6).map(lambda rows: {(row.base, row.quote): row for row in rows}),
    paused=st.dictionaries(names | st.sampled_from(["a", "b"]), words, max_size=2),
)
requirements = st.sampled_from(Format).flatmap(
    lambda chosen: st.builds(
        Requirement,
        format=st.just(chosen),
        paradigm=st.just(PARADIGM[chosen]),
        width=st.integers(1, 50),
        photons=st.integers(0, 10),
        gates=st.lists(st.tuples(st.integers(1, 4), st.integers(0, 1000)), max_size=3).map(tuple),
        operations=st.integers(0, 5_000),
        entangling_cut=st.integers(0, 25),
        registers=st.integers(1, 50).map(lambda size: (Register(name="c", size=size, offset=0),)),
        clifford=st.booleans(),
        dynamic=st.booleans(),
        result_types=st.sampled_from(((), ("expectation", "probability"))),
        duration_us=st.floats(0, 50),
        global_drive=st.booleans(),
        shots=st.integers(1, 2_000),
        points=st.integers(1, 20),
    )
)
money = st.builds(Money, currency=currencies, micros=micros)
policies = st.builds(
    Policy,
    prefer=st.sampled_from(Preference),
    device=maybe(names),
    max_cost=maybe(money),
    deadline=maybe(moments),
    min_success=maybe(chances),
    kind=maybe(st.sampled_from(Kind)),
)
accesses = st.lists(st.sampled_from(["*", "a/*", "b/*", "c/x"]), max_size=3).map(
    lambda patterns: Access(
        hub="hub",
        hub_name="Hub",
        agreements=tuple(Agreement(id=p, hub="hub", pattern=p, source="test") for p in patterns),
    )
)
