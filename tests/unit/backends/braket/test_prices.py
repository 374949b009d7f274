"""Whose prices are these? The public list, our dated table, and examples that say that they are examples."""

from __future__ import annotations

from datetime import date

import pytest

from backends.braket.pricelist import PriceList, parse
from backends.braket.prices import EXAMPLE, examples, named, published
from backends.braket.sandbox.prices import price_list
from broker.domain.price import Usage, charge, flat


def test_a_published_row_quotes_as_the_page_says():
    price = named(published()["ionq/Forte-1"], "braket/ionq-forte-1")
    assert charge(price, Usage(tasks=1, shots=1000)).micros == 80_300_000
    assert price.source.startswith("Amazon Braket pricing page")


def test_invented_rows_say_so_and_never_pass_for_published_ones():
    assert "iqm/Emerald" not in published()
    assert examples()["iqm/Emerald"].source == EXAMPLE
    assert examples()["iqm/Garnet"] == published()["iqm/Garnet"]


def test_the_list_in_csv_gives_the_same_amounts():
    listed = parse(price_list(), as_of=date(2026, 11, 20))
    assert listed["forte-1"].components == flat(per_task=300_000, per_shot=80_000)
    assert listed["sv1"].components == flat(per_second=1000, minimum_ms=3000)
    assert listed["forte-1"].source == "Amazon Braket price list 2026-11-20"


def test_a_part_of_a_micro_dollar_is_rounded_up():
    text = "\n" * 5 + "Product Family,DeviceName,Version,operation,PricePerUnit,Currency,Unit\n"
    text += "Simulator Task,,SV1,CompleteTask,0.0750001,USD,minutes\n"
    assert parse(text, as_of=date(2026, 1, 1))["sv1"].components == flat(per_second=1251, minimum_ms=3000)


def test_a_list_that_cannot_be_read_keeps_the_last_one():
    now = [0.0]
    answers = [price_list(), OSError("gone"), "no columns"]

    def take():
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    prices = PriceList(take, clock=lambda: now[0])
    first = prices.prices()
    assert "sv1" in first
    for hours in (25, 27):
        now[0] = hours * 3600.0
        assert prices.prices() is first
    assert answers == []


def test_another_currency_is_no_price():
    text = "\n" * 5 + "Product Family,DeviceName,Version,operation,PricePerUnit,Currency,Unit\n"
    text += "Quantum Task,Forte-1,,,1,CNY,Tasks\n"
    with pytest.raises(ValueError, match="CNY"):
        parse(text, as_of=date(2026, 1, 1))
