"""Is every seed row well formed, sourced or marked as an example, and true to the domain's own words?"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from broker.domain.money import Money
from broker.domain.scopes import Role

SEEDS = Path(__file__).parents[3] / "seeds"
SCHEMA = json.loads((SEEDS / "schema.json").read_text())
FILES = ["hubs.yaml", "organisations.yaml", "rates.yaml", "prices.yaml"]


def plain(value):
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value.isoformat() if isinstance(value, date) else value


def load(name):
    return plain(yaml.safe_load((SEEDS / name).read_text()))


HUBS = {hub["slug"]: hub for hub in load("hubs.yaml")["hubs"]}


def rows(body):
    """Every mapping in a file that the rule about sources is about: list members, except below an organisation."""
    for members in body.values():
        for row in members:
            yield row
            yield from row.get("agreements", [])


@pytest.mark.parametrize("name", FILES)
def test_the_file_has_the_documented_shape(name):
    errors = [f"{error.json_path}: {error.message}" for error in Draft202012Validator(SCHEMA).iter_errors(load(name))]
    assert errors == []


@pytest.mark.parametrize("name", FILES)
def test_every_row_is_sourced_and_dated_or_an_example(name):
    for row in rows(load(name)):
        dated = "date" in row or "as_of" in row
        assert row.get("example") is True or ("source" in row and dated), row


@pytest.mark.parametrize("name", FILES)
def test_no_source_lies_in_the_future(name):
    for row in rows(load(name)):
        assert row.get("date", row.get("as_of", "")) <= "2026-11-21"


def test_the_schema_refuses_a_row_without_a_source():
    hub = {key: value for key, value in HUBS["daejeon"].items() if key != "source"}
    assert not Draft202012Validator(SCHEMA).is_valid({"hubs": [hub]})


def test_the_two_korean_hubs_reach_what_they_are_said_to_reach():
    patterns = {slug: {each["pattern"] for each in hub["agreements"]} for slug, hub in HUBS.items()}
    assert patterns["daejeon"] == {"braket/*", "pasqal/*", "local/*"}
    assert patterns["seoul"] == {"pasqal/*", "quandela/*", "local/*"}
    assert {slug for slug, hub in HUBS.items() if hub["role"] == "sister"} == {"sherbrooke", "paris"}


def test_links_name_known_hubs():
    assert all(set(link["hubs"]) <= set(HUBS) for link in load("hubs.yaml")["links"])


ORGANISATIONS = load("organisations.yaml")["organisations"]


def test_every_organisation_is_an_example_in_a_known_hub():
    assert all(each["example"] is True and each["hub"] in HUBS for each in ORGANISATIONS)


def test_each_korean_hub_has_every_kind_of_organisation():
    for hub in ("daejeon", "seoul"):
        kinds = {each["kind"] for each in ORGANISATIONS if each["hub"] == hub}
        assert kinds == {"university", "institute", "company", "start-up"}


def test_slugs_and_names_are_unique_among_siblings():
    slugs = [(each["hub"], each["slug"]) for each in ORGANISATIONS]
    assert len(slugs) == len(set(slugs))
    for organisation in ORGANISATIONS:
        projects = [project["slug"] for project in organisation["projects"]]
        assert len(projects) == len(set(projects))
        for project in organisation["projects"]:
            names = [member["name"] for member in project["members"]]
            assert len(names) == len(set(names))


def test_roles_are_those_of_the_domain():
    roles = {member["role"] for each in ORGANISATIONS for project in each["projects"] for member in project["members"]}
    assert roles == set(Role)
    assert set(SCHEMA["$defs"]["member"]["properties"]["role"]["enum"]) == set(Role)


def test_no_child_may_spend_more_than_its_parent():
    def limit(row, currency="KRW"):
        amount = row.get("budget", {}).get("limit")
        return None if amount is None else Money.parse(amount, currency).micros

    def fits(child, parent):
        return child is None or parent is None or child <= parent

    for organisation in ORGANISATIONS:
        assert fits(limit(organisation), limit(HUBS[organisation["hub"]]))
        for project in organisation["projects"]:
            assert fits(limit(project), limit(organisation))
            assert all(fits(limit(member), limit(project)) for member in project["members"])


def test_rates_are_exact_and_named_once():
    rates = load("rates.yaml")["rates"]
    assert len({rate["id"] for rate in rates}) == len(rates)
    assert all(Money.parse(rate["rate"], rate["quote"]).micros > 0 for rate in rates)


def test_every_hub_has_a_rate_for_every_currency_of_its_vendors():
    pairs = {(rate["base"], rate["quote"]) for rate in load("rates.yaml")["rates"]}
    needed = {"daejeon": "USD EUR PCR", "seoul": "EUR PCR QCR", "paris": "EUR PCR QCR", "sherbrooke": "EUR PCR"}
    for slug, currencies in needed.items():
        assert {(base, HUBS[slug]["currency"]) for base in currencies.split()} <= pairs


def test_prices_are_exact_and_one_per_device_and_date():
    prices = load("prices.yaml")["prices"]
    assert len({(price["device"], price["as_of"]) for price in prices}) == len(prices)
    for price in prices:
        amounts = [
            Money.parse(price.get(part, "0"), price["currency"]) for part in ("per_task", "per_shot", "per_second")
        ]
        assert sum(amount.micros for amount in amounts) > 0


def test_no_resellers_figure_is_taken_for_a_price():
    body = load("prices.yaml")
    assert not {row["device"] for row in body["references"]} & {row["device"] for row in body["prices"]}
