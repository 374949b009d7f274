"""How is a price written down? Exact numbers for the store, decimal text for people, files and peers.

Both forms leave out what is usual: ``per`` 1, ``step`` 1, no ``minimum``, no ``tiers``.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from broker.domain.money import MICRO, Money
from broker.domain.price import Component, Price, Tier, Unit, flat

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FLAT = ("per_task", "per_shot", "per_second")
TERMS = frozenset({*FLAT, "minimum_ms", "components", "minimum", "counter"})
_PARTS = frozenset({"unit", "rate", "per", "step", "minimum", "tiers"})
_LEAST = {"per": 1, "step": 1, "minimum": 0}


class PriceWrong(ValueError):
    """A price that says something else than it seems to; ``place`` is where in its row."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"{place}: {reason}")
        self.place = place
        self.reason = reason


def price_document(price: Price) -> dict[str, Any]:
    """Plain JSON values; loads back to an equal price."""
    return {
        "id": price.id,
        "device": price.device,
        "currency": price.currency,
        "as_of": price.as_of.isoformat(),
        "source": price.source,
    } | terms_document(price)


def price_of(body: Mapping[str, Any]) -> Price:
    """From its document, also from one that was written before prices had components."""
    names = ("id", "device", "currency", "source")
    return Price(**{name: body[name] for name in names}, as_of=datetime.fromisoformat(body["as_of"]), **terms_of(body))


def terms_document(price: Price) -> dict[str, Any]:
    """What is asked for, in micro-units."""
    return _written(price, lambda micros: micros)


def terms_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a ``Price`` that a terms document, or the four figures of one before, stands for."""
    if "components" not in body:
        return {"components": flat(**{name: body[name] for name in (*FLAT, "minimum_ms")})}
    components = tuple(
        Component(
            **(part | {"unit": Unit(part["unit"]), "tiers": tuple(Tier(*tier) for tier in part.get("tiers", ()))})
        )
        for part in body["components"]
    )
    return {"components": components, "minimum": body.get("minimum", 0), "counter": body.get("counter", "")}


def terms_text(price: Price) -> dict[str, Any]:
    """The same with amounts as decimal text."""
    return _written(price, lambda micros: f"{Decimal(micros) / MICRO:f}")


def _written(price: Price, amount: Callable[[int], Any]) -> dict[str, Any]:
    body: dict[str, Any] = {"components": [_component_document(part, amount) for part in price.components]}
    if price.minimum:
        body["minimum"] = amount(price.minimum)
    if price.counter:
        body["counter"] = price.counter
    return body


def _component_document(part: Component, amount: Callable[[int], Any]) -> dict[str, Any]:
    body: dict[str, Any] = {"unit": part.unit.value, "rate": amount(part.rate)}
    body |= {name: getattr(part, name) for name, usual in _LEAST.items() if getattr(part, name) != usual}
    return body | ({"tiers": [[tier.up_to, amount(tier.rate)] for tier in part.tiers]} if part.tiers else {})


def read_terms(row: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a ``Price`` from a row that somebody wrote: ``components``, or the flat figures.

    Raises:
        PriceWrong: with the place; a row that names no figure at all is wrong too, for nothing is free by mistake.
    """
    if "components" not in row:
        if row.keys() & {"minimum", "counter"} or not row.keys() & set(FLAT):
            raise PriceWrong("components", f"is missing, and so is each of {', '.join(FLAT)}")
        amounts = {name: _amount(row[name], name) for name in FLAT if name in row}
        return {"components": flat(**amounts, minimum_ms=_whole(row.get("minimum_ms", 0), "minimum_ms", 0))}
    mixed = sorted(row.keys() & {*FLAT, "minimum_ms"})
    if mixed:
        raise PriceWrong(mixed[0], "stands beside components, and only one of them can hold")
    if not isinstance(row["components"], list):
        raise PriceWrong("components", "is not a list")
    components = tuple(_component(part, f"components[{place}]") for place, part in enumerate(row["components"]))
    counter = _counter(row.get("counter", ""), components)
    minimum = _amount(row["minimum"], "minimum") if "minimum" in row else 0
    return {"components": components, "minimum": minimum, "counter": counter}


def _component(body: object, place: str) -> Component:
    if not isinstance(body, dict):
        raise PriceWrong(place, "is not a mapping")
    for name in sorted(body.keys() - _PARTS, key=str):
        raise PriceWrong(f"{place}.{name}", f"is not known; a component has {', '.join(sorted(_PARTS))}")
    for name in ("unit", "rate"):
        if name not in body:
            raise PriceWrong(f"{place}.{name}", "is missing")
    if body["unit"] not in list(Unit):
        raise PriceWrong(f"{place}.unit", f"is none of {', '.join(Unit)}")
    return Component(
        unit=Unit(body["unit"]),
        rate=_amount(body["rate"], f"{place}.rate"),
        tiers=_tiers(body.get("tiers", []), f"{place}.tiers"),
        **{name: _whole(body[name], f"{place}.{name}", least) for name, least in _LEAST.items() if name in body},
    )


def _tiers(rows: object, place: str) -> tuple[Tier, ...]:
    if not isinstance(rows, list) or not all(isinstance(row, list) and len(row) == len(Tier._fields) for row in rows):
        raise PriceWrong(place, "is not a list of [up to, rate]")
    tiers, below = [], 0
    for number, (up_to, rate) in enumerate(rows):
        below = _whole(up_to, f"{place}[{number}]", below + 1)
        tiers.append(Tier(below, _amount(rate, f"{place}[{number}]")))
    return tuple(tiers)


def _counter(counter: object, components: tuple[Component, ...]) -> str:
    tiered = sum(bool(part.tiers) for part in components)
    if tiered > 1:
        raise PriceWrong("components", "only one of them may have tiers, for one counter counts them")
    if not isinstance(counter, str) or bool(tiered) != (counter.count("/") == 1 and all(counter.split("/"))):
        raise PriceWrong(
            "counter", "names vendor account and device class (pasqal/qpu) where there are tiers, else is left out"
        )
    return counter


def _amount(value: object, place: str) -> int:
    try:
        micros = Money.parse(value, "").micros if isinstance(value, str) else -1
    except (ValueError, InvalidOperation):
        micros = -1
    if micros < 0:
        raise PriceWrong(place, f'{value!r:.40} is no decimal text of at most six decimals, such as "0.30"')
    return micros


def _whole(value: object, place: str, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise PriceWrong(place, f"{value!r:.40} is no whole number from {least} on")
    return value
