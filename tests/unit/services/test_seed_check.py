"""Is a spoiled seed file one error with its place, and nothing changed?"""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator
from sqlalchemy import func, select

from broker.domain.price import Unit, Usage, charge
from broker.services.market import priced
from broker.services.seed import load
from broker.services.seed_check import FILES, SeedWrong
from broker.services.seed_rows import ROWS
from broker.store import tables
from tests.support.routing_world import GATE, qpu

SEEDS = Path(__file__).parents[3] / "seeds"
NOW = datetime(2026, 11, 20, tzinfo=UTC)
SCHEMA = json.loads((SEEDS / "schema.json").read_text())

# (file, what stands there, what somebody makes of it), the place that is named, a part of the reason
TWICE = "    currency: KRW\n    role: hub\n    source: press, 2025-05-19"
SPOILED = {
    "a misspelt key": (
        ("prices", 'per_shot: "0.00145"', 'per_shots: "0.00145"'), "prices[1].per_shots", "is per_shot meant",
    ),
    "no figure at all": (
        ("prices", '    per_task: "0.30"\n    per_shot: "0.01"\n', ""), "prices[2].components", "is missing",
    ),
    "a number that is no text": (
        ("prices", 'per_shot: "0.08"', "per_shot: 0.08"), "prices[0].per_shot", "decimal text",
    ),
    "a missing currency": (
        ("prices", "    currency: USD\n    per_task", "    per_task"), "prices[0]", "currency is missing",
    ),
    "a rate of seven decimals": (("rates", '"1477.1"', '"1477.1234567"'), "rates[0].rate", "six decimals"),
    "a rate without a source": (
        ("rates", 'rate: "1700", as_of: 2025-11-24, example: true}', 'rate: "1700", as_of: 2025-11-24}'),
        "rates[1]", "source or example: true is missing",
    ),
    "an unknown role": (
        ("organisations", "{name: admin, role: admin", "{name: admin, role: boss"),
        "organisations[0].projects[0].members[0].role", "'boss' is none of",
    ),
    "an organisation of no hub": (
        ("organisations", "hub: daejeon\n", "hub: taejon\n"), "organisations[0].hub", "no hub of hubs.yaml",
    ),
    "a key that stands twice": (("hubs", TWICE, f"    currency: EUR\n{TWICE}"), "hubs[0].currency", "twice"),
    "a hub that stands twice": (("hubs", "slug: seoul", "slug: daejeon"), "hubs[1]", "daejeon stands twice"),
    "a broken line": (("hubs", "    name: Daejeon\n", "    name: [Daejeon\n"), "", "is no YAML"),
    "a date with a time": (
        ("hubs", "    date: 2025-05-19\n    budget", "    date: 2025-05-19 10:00:00\n    budget"),
        "hubs[0].date", "no date",
    ),
}  # fmt: skip


@pytest.fixture
def seeds(tmp_path):
    folder = tmp_path / "seeds"
    folder.mkdir()
    for name in FILES:
        shutil.copy(SEEDS / f"{name}.yaml", folder)
    return folder


def edit(folder, name, before, after):
    path = folder / f"{name}.yaml"
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1))


def everything(store):
    names = ("hubs", "agreements", "organisations", "projects", "members", "budgets", "rates", "prices")
    with store.read() as work:
        return {name: work.connection.execute(select(tables.metadata.tables[name])).all() for name in names}


@pytest.mark.parametrize("case", SPOILED)
def test_a_spoiled_file_is_one_located_error_and_nothing_is_changed(store, seeds, case):
    load(store, seeds)
    before = everything(store)
    (name, there, instead), place, reason = SPOILED[case]
    # What comes before the mistake is sound and new: it may not be loaded either.
    edit(seeds, "hubs", "name: Seoul", "name: Seoul of today")
    edit(seeds, name, there, instead)
    with pytest.raises(SeedWrong, match=r"\.yaml:\d+: ") as caught:
        load(store, seeds)
    assert (caught.value.file, caught.value.place) == (f"{name}.yaml", place)
    assert reason in caught.value.reason
    assert everything(store) == before


def test_the_line_is_that_of_the_mistake(store, seeds):
    edit(seeds, "prices", 'per_shot: "0.00145"', 'per_shots: "0.00145"')
    with pytest.raises(SeedWrong) as caught:
        load(store, seeds)
    line = (seeds / "prices.yaml").read_text().splitlines()[caught.value.line - 1]
    assert line.strip() == 'per_shots: "0.00145"'


def test_a_missing_file_is_named(store, seeds):
    (seeds / "rates.yaml").unlink()
    with pytest.raises(SeedWrong, match=r"rates\.yaml:1: is missing"):
        load(store, seeds)
    with store.read() as work:
        assert work.connection.execute(select(func.count()).select_from(tables.hubs)).scalar_one() == 0


def test_a_price_row_that_is_taken_out_of_the_file_is_in_force_no_longer(store, seeds):
    load(store, seeds)
    with store.write() as work:
        work.catalogue.put_devices("braket", "token", [qpu("braket/iqm-garnet", GATE)], NOW)
    with store.read() as work:
        (device,), version = priced(work.catalogue, NOW), work.catalogue.version()
    assert charge(device.price, Usage(shots=1000)).micros == 1_750_000
    body = yaml.safe_load((seeds / "prices.yaml").read_text())
    kept = [row for row in body["prices"] if row["device"] != "braket/iqm-garnet"]
    (seeds / "prices.yaml").write_text(yaml.safe_dump({"prices": kept}))
    load(store, seeds)
    with store.read() as work:
        assert [each.price for each in priced(work.catalogue, NOW)] == [None]
        assert work.catalogue.version() != version
        # Whoever was quoted with it is billed with it.
        assert work.catalogue.price(device.price.id) == device.price


def test_a_price_row_that_comes_back_is_in_force_again_and_rows_of_others_are_let_be(store, seeds):
    whole = (seeds / "prices.yaml").read_text()
    load(store, seeds)
    with store.read() as work:
        before = work.catalogue.prices(NOW)
    (seeds / "prices.yaml").write_text("prices: []\n")
    load(store, seeds)
    with store.read() as work:
        assert work.catalogue.prices(NOW) == []
    (seeds / "prices.yaml").write_text(whole)
    load(store, seeds)
    with store.read() as work:
        assert work.catalogue.prices(NOW) == before


def test_a_price_of_components_is_loaded_as_it_stands(store, seeds):
    (seeds / "prices.yaml").write_text(
        "prices:\n  - {device: pasqal/fresnel, currency: EUR, as_of: 2026-10-02, source: contract,\n"
        "     counter: pasqal/qpu, components: [\n"
        '       {unit: ms, rate: "3106.40", per: 3600000, tiers: [[14400000, "517.88"]]}]}\n'
    )
    load(store, seeds)
    with store.read() as work:
        ((price, _),) = work.catalogue.prices(NOW)
    assert price.counter == "pasqal/qpu"
    assert charge(price, Usage(run_ms=5 * 3_600_000)).micros == (4 * 517_880_000 + 3_106_400_000)


FALLING = 'counter: a/b, components: [{unit: ms, rate: "1", tiers: [[9, "2"], [3, "1"]]}]'


@pytest.mark.parametrize(
    ("terms", "place"),
    [
        ('components: [{unit: msec, rate: "1"}]', "prices[0].components[0].unit"),
        ('components: [{unit: ms, rate: "1", per: 0}]', "prices[0].components[0].per"),
        ('components: [{unit: ms, rate: "1", tier: []}]', "prices[0].components[0].tier"),
        (FALLING, "prices[0].components[0].tiers[1]"),
        ('components: [{unit: ms, rate: "1", tiers: [[9, "2"]]}]', "prices[0].counter"),
        ('components: [{unit: ms, rate: "1"}], counter: a/b', "prices[0].counter"),
        ('components: [{unit: ms, rate: "1"}], per_shot: "1"', "prices[0].per_shot"),
        ('components: [{unit: ms, rate: "-1"}]', "prices[0].components[0].rate"),
        ("components: [{unit: ms}]", "prices[0].components[0].rate"),
        ('minimum: "1"', "prices[0].components"),
    ],
)  # fmt: skip
def test_a_component_that_cannot_be_meant_is_named(store, seeds, terms, place):
    row = f"{{device: pasqal/fresnel, currency: EUR, as_of: 2026-10-02, source: contract, {terms}}}"
    (seeds / "prices.yaml").write_text(f"prices:\n  - {row}\n")
    with pytest.raises(SeedWrong) as caught:
        load(store, seeds)
    assert caught.value.place == place


KINDS = {
    "hubs": "hub", "links": "link", "agreements": "agreement", "organisations": "organisation", "projects": "project",
    "members": "member", "rates": "rate", "prices": "price", "references": "reference", "budget": "budget",
    "retention": "retention",
}  # fmt: skip


def agree(row, kind):
    """Whether the schema's definition and our table have the same keys, down to the last row inside."""
    definition = SCHEMA["$defs"][kind]
    assert set(definition["properties"]) == {*row.fields, *row.rows, *row.inside}
    assert set(definition.get("required", [])) == set(row.needs)
    for key, inner in (row.rows | row.inside).items():
        agree(inner, KINDS[key])


@pytest.mark.parametrize("name", FILES)
def test_the_published_schema_and_the_check_have_the_same_keys(name):
    agree(ROWS[name], name)


def test_the_published_schema_knows_the_units():
    assert SCHEMA["$defs"]["component"]["properties"]["unit"]["enum"] == [unit.value for unit in Unit]


def test_the_published_schema_refuses_a_misspelt_price_too():
    row = {"device": "braket/iqm-garnet", "currency": "USD", "as_of": "2026-10-02", "source": "page"}
    assert Draft202012Validator(SCHEMA).is_valid({"prices": [row | {"per_shot": "1"}]})
    assert not Draft202012Validator(SCHEMA).is_valid({"prices": [row | {"per_shots": "1"}]})
    assert not Draft202012Validator(SCHEMA).is_valid({"prices": [row]})
