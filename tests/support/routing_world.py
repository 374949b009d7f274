"""Which devices do the golden routing cases see? Fifteen invented ones that differ in all that routing looks at."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from broker.domain.device import Calibration, Device, Kind, Status, Window
from broker.domain.hub import Access, Agreement
from broker.domain.ids import DeviceName, HubId
from broker.domain.money import MICRO, Money, Rate
from broker.domain.policy import Policy, Preference
from broker.domain.price import Price, flat
from broker.domain.program import PARADIGM, Format
from broker.domain.requirement import Register, Requirement
from broker.domain.routing import Forecast, Snapshot, route

if TYPE_CHECKING:
    from collections.abc import Mapping

    from broker.domain.decision import Decision

FRIDAY = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)

GATE = frozenset({Format.OPENQASM2, Format.OPENQASM3})
WEEKDAYS = frozenset(range(1, 6))


def price(device: str, currency: str, *, task: str = "0", shot: str = "0", second: str = "0", minimum_ms: int = 0):
    micros = {"per_task": task, "per_shot": shot, "per_second": second}
    return Price(
        id=f"{device}@test",
        device=device,
        currency=currency,
        components=flat(
            **{name: Money.parse(amount, currency).micros for name, amount in micros.items()}, minimum_ms=minimum_ms
        ),
        as_of=datetime(2026, 10, 1, tzinfo=UTC),
        source="invented for this test",
    )


def device(name: str, kind: Kind, accepts: frozenset[Format], **more: Any) -> Device:
    backend = name.split("/", maxsplit=1)[0]
    return Device(name=DeviceName(name), backend=backend, vendor_id=name, kind=kind, accepts=accepts, **more)


def qpu(name: str, accepts: frozenset[Format], **more: Any) -> Device:
    return device(name, Kind.QPU, accepts, **more)


def simulator(name: str, accepts: frozenset[Format], **more: Any) -> Device:
    return device(name, Kind.SIMULATOR, accepts, **more)


DEVICES = (
    qpu(
        "braket/aquila",
        frozenset({Format.AHS}),
        width=256,
        max_shots=1000,
        max_duration_us=4.0,
        sweeps=False,
        global_drive_only=True,
        typical_run_ms=120_000,
        max_run_ms=600_000,
        queue_depth=2,
        windows=(Window(days=WEEKDAYS, start=time(14), end=time(22)),),
        price=price("braket/aquila", "USD", task="0.30", shot="0.01"),
    ),
    qpu(
        "braket/emerald",
        GATE,
        width=54,
        max_shots=20_000,
        queue_depth=1,
        typical_run_ms=5_000,
        calibration=Calibration(one_qubit_error=0.001, two_qubit_error=0.006, readout_error=0.02),
    ),
    qpu(
        "braket/forte-1",
        GATE,
        width=36,
        min_shots=100,
        max_shots=5_000,
        queue_depth=4,
        typical_run_ms=60_000,
        calibration=Calibration(one_qubit_error=0.0002, two_qubit_error=0.005, readout_error=0.003),
        price=price("braket/forte-1", "USD", task="0.30", shot="0.08"),
        sandbox=True,
    ),
    qpu(
        "braket/garnet",
        GATE,
        width=20,
        max_shots=20_000,
        queue_depth=3,
        typical_run_ms=5_000,
        max_operations=10_000,
        calibration=Calibration(one_qubit_error=0.001, two_qubit_error=0.008, readout_error=0.02),
        price=price("braket/garnet", "USD", task="0.30", shot="0.00145"),
    ),
    qpu(
        "braket/ankaa-3",
        GATE,
        width=82,
        status=Status.RETIRED,
        price=price("braket/ankaa-3", "USD", task="0.30", shot="0.0009"),
    ),
    simulator(
        "braket/sv1",
        GATE,
        width=34,
        result_types=True,
        max_shots=100_000,
        typical_run_ms=4_000,
        max_run_ms=3_600_000,
        price=price("braket/sv1", "USD", second="0.00125", minimum_ms=3_000),
    ),
    simulator(
        "local/aer",
        GATE,
        width=1_000,
        dynamic=True,
        typical_run_ms=20,
        max_run_ms=600_000,
        concurrency=8,
        max_memory_bytes=8 << 30,
        methods=("statevector", "stabilizer", "matrix_product_state"),
    ),
    simulator(
        "local/ahs",
        frozenset({Format.AHS}),
        width=12,
        typical_run_ms=3_000,
        max_memory_bytes=8 << 30,
    ),
    simulator(
        "local/perceval",
        frozenset({Format.PERCEVAL}),
        width=40,
        max_photons=10,
        typical_run_ms=500,
    ),
    simulator(
        "local/pulser",
        frozenset({Format.PULSER}),
        width=14,
        typical_run_ms=3_000,
        max_memory_bytes=8 << 30,
    ),
    simulator(
        "pasqal/emu-free",
        frozenset({Format.PULSER}),
        width=10,
        max_shots=1_000,
        typical_run_ms=20_000,
        queue_depth=1,
    ),
    qpu(
        "pasqal/fresnel",
        frozenset({Format.PULSER}),
        width=80,
        max_shots=2_000,
        max_duration_us=6.0,
        global_drive_only=True,
        typical_run_ms=300_000,
        max_run_ms=3_600_000,
        queue_depth=1,
        windows=(Window(days=WEEKDAYS, start=time(8), end=time(18)),),
        price=price("pasqal/fresnel", "USD", second="0.833333"),
    ),
    qpu(
        "quandela/ascella",
        frozenset({Format.PERCEVAL}),
        width=12,
        max_photons=6,
        status=Status.OFFLINE,
        price=price("quandela/ascella", "EUR", task="0.30", shot="0.000001"),
    ),
    qpu(
        "quandela/belenos",
        frozenset({Format.PERCEVAL}),
        width=24,
        max_photons=12,
        max_shots=10_000_000,
        queue_depth=2,
        typical_run_ms=10_000,
        sweeps=False,
        max_points=100,
        price=price("quandela/belenos", "EUR", task="0.30", shot="0.000001"),
    ),
    simulator(
        "quandela/sim-belenos",
        frozenset({Format.PERCEVAL}),
        width=24,
        max_photons=8,
        typical_run_ms=2_000,
    ),
)


def rate(base: str, won: int) -> Rate:
    return Rate(
        id=f"{base}-KRW@test",
        base=base,
        quote="KRW",
        micros=won * MICRO,
        as_of=datetime(2026, 11, 19, tzinfo=UTC),
        source="invented for this test",
    )


WORLD = Snapshot(
    at=FRIDAY,
    devices=DEVICES,
    forecasts={
        "local/aer": Forecast(wait_s=0.05, wait_p90_s=0.4, run_s=0.03, history=500),
        "braket/garnet": Forecast(wait_s=90.0, wait_p90_s=600.0, run_s=6.0, history=40),
    },
    rates={("USD", "KRW"): rate("USD", 1400), ("EUR", "KRW"): rate("EUR", 1600)},
    paused={},
)

PATTERNS = {
    "Daejeon": ("braket/*", "pasqal/*", "local/*"),
    "Seoul": ("pasqal/*", "quandela/*", "local/*"),
}


def access_of(hub: str) -> Access:
    agreements = tuple(
        Agreement(id=f"{hub}:{pattern}", hub=HubId(hub), pattern=pattern, source="test") for pattern in PATTERNS[hub]
    )
    return Access(hub=HubId(hub), hub_name=hub, agreements=agreements)


def gate(width: int, gates: dict[int, int], **more: Any) -> Requirement:
    return Requirement(
        format=more.pop("format", Format.OPENQASM3),
        paradigm=PARADIGM[Format.OPENQASM3],
        width=width,
        gates=tuple(sorted(gates.items())),
        operations=sum(gates.values()) + width,
        registers=(Register(name="c", size=width, offset=0),),
        **{"shots": 1000} | more,
    )


def analog(program_format: Format, width: int, **more: Any) -> Requirement:
    return Requirement(
        format=program_format,
        paradigm=PARADIGM[program_format],
        width=width,
        **{"shots": 200, "duration_us": 2.0, "global_drive": True} | more,
    )


def photonic(width: int, photons: int, **more: Any) -> Requirement:
    return Requirement(
        format=Format.PERCEVAL,
        paradigm=PARADIGM[Format.PERCEVAL],
        width=width,
        photons=photons,
        **{"shots": 10_000} | more,
    )


NEEDS = {
    "bell": gate(2, {1: 1, 2: 1}, clifford=True, entangling_cut=1),
    "ghz20": gate(20, {1: 1, 2: 19}, clifford=True, entangling_cut=1),
    "clifford50": gate(50, {1: 500, 2: 500}, clifford=True, entangling_cut=25),
    "deep30": gate(30, {1: 900, 2: 600}, entangling_cut=15),
    "shallow40": gate(40, {1: 80, 2: 39}, entangling_cut=2),
    "deep16": gate(16, {1: 6_000, 2: 6_000}, entangling_cut=8),
    "dynamic4": gate(4, {1: 6, 2: 4}, dynamic=True, entangling_cut=2),
    "expectation2": gate(2, {1: 2}, result_types=("expectation",)),
    "toffoli3": gate(3, {1: 2, 3: 1}, entangling_cut=1, format=Format.OPENQASM2),
    "rabi": analog(Format.PULSER, 1),
    "array30": analog(Format.PULSER, 30),
    "local-drive": analog(Format.PULSER, 6, global_drive=False),
    "long-pulse": analog(Format.PULSER, 6, duration_us=9.5),
    "rydberg3": analog(Format.AHS, 3, shots=100),
    "rydberg40": analog(Format.AHS, 40, shots=100),
    "hom": photonic(2, 2),
    "boson9": photonic(20, 9),
}


def decide(case: Mapping[str, Any]) -> Decision:
    """The decision of one case of golden_routing.yaml, from its inputs alone."""
    need = replace(NEEDS[case["need"]], **{key: case[key] for key in ("shots", "points") if key in case})
    age = case.get("max_price_age_days")
    return route(
        need,
        _policy(case.get("policy", {})),
        access_of(case.get("hub", "Daejeon")),
        world(case),
        currency=case.get("currency", "KRW"),
        max_price_age=None if age is None else timedelta(days=age),
    )


def world(case: Mapping[str, Any]) -> Snapshot:
    """The devices, with what the case changes about them."""
    without = [tuple(pair.split("-")) for pair in case.get("without_rates", [])]
    waits = {name: Forecast(**row) for name, row in case.get("forecasts", {}).items()}
    return replace(
        WORLD,
        at=datetime.fromisoformat(case["at"]) if "at" in case else FRIDAY,
        devices=DEVICES[: case["devices"]] if "devices" in case else DEVICES,
        forecasts=WORLD.forecasts | waits,
        rates={pair: row for pair, row in WORLD.rates.items() if pair not in without},
        paused=case.get("paused", {}),
    )


def _policy(body: Mapping[str, Any]) -> Policy:
    limit = body.get("max_cost")
    amount, currency = limit.split() if limit else ("", "")
    return Policy(
        prefer=Preference(body.get("prefer", "balanced")),
        device=body.get("device"),
        max_cost=Money.parse(amount, currency) if limit else None,
        deadline=datetime.fromisoformat(body["deadline"]) if "deadline" in body else None,
        min_success=body.get("min_success"),
        kind=Kind(body["kind"]) if "kind" in body else None,
    )


def shown(decision: Decision) -> dict[str, Any]:
    """The decision as the golden file writes it down."""
    return {
        "choice": decision.choice,
        "why": decision.why,
        "offers": {
            offer.device: f"score {offer.score:.9f}, at most {offer.cost} ({offer.list_cost.micros} micro"
            f" {offer.list_cost.currency}), wait {offer.wait_s:g} to {offer.wait_p90_s:g} s,"
            f" run {offer.run_s:g} s, success {offer.success:.6f}, {offer.history} jobs"
            + (", sandbox" if offer.sandbox else "")
            for offer in decision.offers
        },
        "refusals": {refusal.device: f"{refusal.rule}: {refusal.reason}" for refusal in decision.refusals},
    }
