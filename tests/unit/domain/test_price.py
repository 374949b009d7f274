"""Does each published way of pricing give the amount that was worked out by hand? Rates are micro-units."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.money import Money
from broker.domain.price import (
    Component,
    Counted,
    Price,
    Tier,
    Unit,
    Usage,
    by_program,
    charge,
    counts,
    flat,
    flattened,
    lines,
    timed,
)
from broker.domain.price_document import price_document, price_of, read_terms, terms_text
from broker.domain.tier import Standing, held, likely, month_of
from tests.support.values import prices

HOUR, MINUTE = 3_600_000, 60_000
AT = datetime(2026, 10, 2, tzinfo=UTC)


def price(currency, *components, minimum=0, counter=""):
    return Price(id="p", device="v/d", currency=currency, components=components, minimum=minimum, counter=counter,
                 as_of=AT, source="worked out by hand")  # fmt: skip


def exactly(used):
    return Counted(used, used)


def tiered(*, above, up_to, rate):
    return Component(unit=Unit.MS, rate=above, per=HOUR, tiers=(Tier(up_to, rate),))


PASQAL = price("EUR", tiered(above=3_106_400_000, up_to=4 * HOUR, rate=517_880_000), counter="pasqal/qpu")
EMULATION = price("EUR", Component(unit=Unit.MS, rate=15_531_900, per=HOUR))
IONQ = (Component(unit=Unit.GATE1_SHOT, rate=220), Component(unit=Unit.GATE2_SHOT, rate=975))
ARIA, ARIA_MITIGATED = price("USD", *IONQ, minimum=12_416_600), price("USD", *IONQ, minimum=97_500_000)
QUANTINUUM = price("HQC", Component(unit=Unit.HQC, rate=1_000_000))
RIGETTI = price("USD", Component(unit=Unit.MS, rate=20_000, per=10, step=10))
IQM = price("USD", Component(unit=Unit.MS, rate=300_000, per=1000))
IBM = price("USD", Component(unit=Unit.MS, rate=96_000_000, per=MINUTE))
BRAKET = price("USD", *flat(per_task=300_000, per_shot=80_000))
SV1 = price("USD", Component(unit=Unit.MS, rate=75_000, per=MINUTE, minimum=3000))
SCALEWAY = price("EUR", *flat(per_task=300_000, per_shot=1))
SESSION = price("EUR", Component(unit=Unit.RESERVED_HOUR, rate=1_000_000_000))
ALICE = price("USD", tiered(above=5_000_000_000, up_to=HOUR, rate=0), counter="alice/qpu")

# what, price, usage, where the counter stands, micro-units, how they were worked out
GOLDEN = [
    ("Pasqal, the first hour of a month", PASQAL, Usage(run_ms=HOUR), 0, 517_880_000, "1 h x 517.88"),
    ("Pasqal, a second", PASQAL, Usage(run_ms=1000), 0, 143_856, "517.88 / 3600 = 0.143855.. up"),
    ("Pasqal, to the cliff", PASQAL, Usage(run_ms=HOUR), 3 * HOUR, 517_880_000, "the fourth hour is cheap"),
    ("Pasqal, over the cliff", PASQAL, Usage(run_ms=2 * HOUR), 3 * HOUR, 3_624_280_000, "517.88 + 3106.40"),
    ("Pasqal, half and half", PASQAL, Usage(run_ms=HOUR), 4 * HOUR - HOUR // 2, 1_812_140_000, "258.94 + 1553.20"),
    ("Pasqal, beyond", PASQAL, Usage(run_ms=HOUR), 4 * HOUR, 3_106_400_000, "1 h x 3106.40"),
    ("Pasqal, the whole month at once", PASQAL, Usage(run_ms=10 * HOUR), 0, 20_709_920_000, "4 cheap, 6 dear"),
    ("Pasqal emulation", EMULATION, Usage(run_ms=90 * MINUTE), 0, 23_297_850, "1.5 h x 15.5319"),
    ("IonQ, below the minimum", ARIA, Usage(gate1_shots=100, gate2_shots=100), 0, 12_416_600, "the minimum"),
    ("IonQ, above it", ARIA, Usage(gate1_shots=20_000, gate2_shots=30_000), 0, 33_650_000, "4.40 + 29.25"),
    ("IonQ, mitigated", ARIA_MITIGATED, Usage(gate1_shots=20_000, gate2_shots=30_000), 0, 97_500_000, "the minimum"),
    ("IonQ, three programs", ARIA, Usage(tasks=3, gate1_shots=3), 0, 37_249_800, "3 x 12.4166"),
    ("Quantinuum", QUANTINUUM, Usage(gate1_shots=10_000, gate2_shots=5_000, readout_shots=4_000), 0, 21_000_000,
     "5 + 1000 x (10 + 10 x 5 + 5 x 4) / 5000 = 5 + 16"),
    ("Quantinuum, one shot", QUANTINUUM, Usage(shots=1, gate1_shots=1), 0, 5_000_200, "5 + 1/5000"),
    ("Rigetti, a started step", RIGETTI, Usage(run_ms=1), 0, 20_000, "1 started 10 ms"),
    ("Rigetti, whole steps", RIGETTI, Usage(run_ms=30), 0, 60_000, "3 x 0.02"),
    ("Rigetti, one more", RIGETTI, Usage(run_ms=31), 0, 80_000, "4 started"),
    ("Rigetti, two tasks", RIGETTI, Usage(tasks=2, run_ms=31), 0, 80_000, "16 ms each: 2 x 2 started"),
    ("Rigetti, nothing ran", RIGETTI, Usage(run_ms=0), 0, 0, "no step was started"),
    ("IQM by the second", IQM, Usage(run_ms=2_500), 0, 750_000, "2.5 s x 0.30"),
    ("IBM by the minute, as used", IBM, Usage(run_ms=1_000), 0, 1_600_000, "96 / 60"),
    ("Braket machine", BRAKET, Usage(shots=1000), 0, 80_300_000, "0.30 + 1000 x 0.08"),
    ("Braket simulator, the least", SV1, Usage(run_ms=1_200), 0, 3_750, "3 s x 0.075 / 60"),
    ("Braket simulator", SV1, Usage(run_ms=MINUTE), 0, 75_000, "1 min"),
    ("Braket reservation", BRAKET, Usage(tasks=0, shots=0), 0, 0, "paid by the hour"),
    ("Scaleway by circuit and shot", SCALEWAY, Usage(shots=10_000), 0, 310_000, "0.30 + 10,000 x 0.000001"),
    ("Scaleway session", SESSION, Usage(tasks=0, reserved_ms=HOUR + 1), 0, 2_000_000_000, "2 started hours"),
    ("Alice & Bob, the free hour", ALICE, Usage(run_ms=HOUR), 0, 0, "free"),
    ("Alice & Bob, after it", ALICE, Usage(run_ms=6 * MINUTE), HOUR, 500_000_000, "0.1 h x 5000"),
    ("a bill that was stated", IQM, Usage(run_ms=1, billed=Money(currency="USD", micros=7)), 0, 7, "as stated"),
    ("a bill in other money", IQM, Usage(run_ms=1000, billed=Money(currency="EUR", micros=7)), 0, 300_000, "by row"),
]  # fmt: skip


NAMES = [row[0] for row in GOLDEN]


@pytest.mark.parametrize(
    ("asked", "usage", "used", "micros"), [row[1:5] for row in GOLDEN], ids=[row[0] for row in GOLDEN]
)
def test_golden_charge(asked, usage, used, micros):
    assert charge(asked, usage, exactly(used)) == Money(currency=asked.currency, micros=micros)


@pytest.mark.parametrize(("asked", "usage", "used"), [row[1:4] for row in GOLDEN], ids=NAMES)
def test_the_lines_of_a_bill_are_its_sum(asked, usage, used):
    found = lines(asked, usage, exactly(used))
    assert sum(line.micros for line in found) == charge(asked, usage, exactly(used)).micros


def test_a_minimum_is_a_line_of_its_own():
    assert lines(ARIA, Usage(gate1_shots=100, gate2_shots=100)) == (
        ("gate1_shot", 100, 22_000), ("gate2_shot", 100, 97_500), ("minimum", 1, 12_297_100),
    )  # fmt: skip


# what stands on the counter, what the live jobs may use, what this one may; the hold, how it was worked out
HOLDS = [
    ("an empty month", Standing(), HOUR, 517_880_000, "even behind one more like it, all of it is cheap"),
    ("room for two", Standing(used=2 * HOUR), HOUR, 517_880_000, "at most it runs from 3 h to 4 h"),
    ("the last cheap hour", Standing(used=3 * HOUR), HOUR, 3_106_400_000, "one more may come and end first"),
    ("live jobs fill it", Standing(live=4 * HOUR), HOUR, 3_106_400_000, "all four may end first"),
    ("half of it may be dear", Standing(used=2 * HOUR + HOUR // 2), HOUR, 1_812_140_000, "258.94 + 1553.20"),
    ("long since dear", Standing(used=9 * HOUR), HOUR, 3_106_400_000, "every hour is dear"),
]  # fmt: skip


@pytest.mark.parametrize(("standing", "run_ms", "micros"), [row[1:4] for row in HOLDS], ids=[row[0] for row in HOLDS])
def test_golden_hold(standing, run_ms, micros):
    assert held(PASQAL, Usage(run_ms=run_ms), standing).micros == micros


def test_where_more_is_cheaper_the_hold_is_that_of_the_first_hour():
    discount = price("EUR", tiered(above=1_000_000, up_to=HOUR, rate=9_000_000), counter="v/qpu")
    assert held(discount, Usage(run_ms=HOUR), Standing(used=5 * HOUR)).micros == 9_000_000  # in the next month
    assert charge(discount, Usage(run_ms=HOUR), exactly(5 * HOUR)).micros == 1_000_000


def test_a_dear_tier_in_the_middle_is_found():
    middle = Component(unit=Unit.MS, rate=1, per=1, tiers=(Tier(10, 1), Tier(20, 5)))
    assert charge(price("EUR", middle, counter="v/qpu"), Usage(run_ms=10), Counted(0, 100)).micros == 50


def test_what_is_likely_is_reckoned_behind_all_that_is_live():
    assert likely(PASQAL, Usage(run_ms=HOUR), Standing(used=HOUR, live=2 * HOUR)).micros == 517_880_000
    assert likely(PASQAL, Usage(run_ms=HOUR), Standing(used=HOUR, live=3 * HOUR)).micros == 3_106_400_000


def test_direct_pasqal_and_a_reseller_change_places_within_the_month():
    reseller, shots = price("EUR", Component(unit=Unit.SHOT, rate=3_300_000)), Usage(shots=1, run_ms=4_000)
    assert charge(PASQAL, shots, exactly(0)).micros == 575_423  # 0.58 at a quarter shot a second
    assert charge(PASQAL, shots, exactly(4 * HOUR)).micros == 3_451_556  # 3.45
    assert charge(PASQAL, shots, exactly(0)) < charge(reseller, shots) < charge(PASQAL, shots, exactly(4 * HOUR))


runs = st.lists(st.integers(1, 3 * HOUR), min_size=1, max_size=8)


@given(runs, st.randoms())
def test_bills_in_any_order_are_the_bill_of_the_whole_and_within_the_holds(lengths, random):
    """The sum differs from one long run's by less than a micro-unit a job: each is rounded up."""
    live, holds = 0, 0
    for length in lengths:
        holds += held(PASQAL, Usage(run_ms=length), Standing(live=live)).micros
        live += length
    random.shuffle(lengths)
    used = total = 0
    for length in lengths:
        total += charge(PASQAL, Usage(run_ms=length), exactly(used)).micros
        used += counts(PASQAL, Usage(run_ms=length))
    assert 0 <= total - charge(PASQAL, Usage(run_ms=sum(lengths)), exactly(0)).micros < len(lengths)
    assert total <= holds


@given(st.integers(0, 6 * HOUR), st.integers(0, 6 * HOUR), st.integers(1, 6 * HOUR), st.integers(0, 100))
def test_a_hold_is_enough_wherever_the_counter_comes_to_stand(used, live, run_ms, part):
    most = held(PASQAL, Usage(run_ms=run_ms), Standing(used=used, live=live))
    at = used + (live + run_ms) * part // 100
    assert charge(PASQAL, Usage(run_ms=run_ms * part // 100), exactly(at)) <= most


@given(prices)
def test_a_price_is_read_as_it_was_written(written):
    assert price_of(json.loads(json.dumps(price_document(written)))) == written


def test_a_document_of_the_release_before_is_read():
    body = {"id": "p", "device": "v/d", "currency": "USD", "per_task": 300_000, "per_shot": 1_450, "per_second": 0,
            "minimum_ms": 0, "as_of": AT.isoformat(), "source": "worked out by hand"}  # fmt: skip
    assert price_of(body) == price("USD", *flat(per_task=300_000, per_shot=1_450))


@pytest.mark.parametrize("written", [row[1] for row in GOLDEN], ids=NAMES)
def test_what_is_shown_to_people_and_peers_is_read_as_the_same_price(written):
    shown = json.loads(json.dumps(terms_text(written)))
    assert (
        price(written.currency, *read_terms(shown)["components"], minimum=written.minimum, counter=written.counter)
        == written
    )


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10_000))
def test_four_figures_are_the_components_that_they_were_made_of(per_task, per_shot, per_second, minimum_ms):
    made = flat(per_task=per_task, per_shot=per_shot, per_second=per_second, minimum_ms=minimum_ms)
    assert flattened(price("EUR", *made)) == (per_task, per_shot, per_second, minimum_ms)


@pytest.mark.parametrize("asked", [PASQAL, ARIA, QUANTINUUM, RIGETTI, EMULATION, SESSION])
def test_what_four_figures_cannot_say_they_do_not_say(asked):
    assert flattened(asked) is None


def test_run_time_and_gates_are_asked_for_only_where_they_count():
    assert (timed(IQM), timed(BRAKET)) == (True, False)
    assert [by_program(each) for each in (ARIA, QUANTINUUM, RIGETTI)] == [True, True, False]


def test_months_are_those_of_utc():
    assert month_of(datetime.fromisoformat("2026-12-01T08:59:59+09:00").astimezone(UTC)) == "2026-11"
