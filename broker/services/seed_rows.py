"""What may a seed file say? A table of fields for each kind of row; a key that nobody reads stands in none of them.

``seeds/schema.json`` says the same for editors and reviewers; tests/unit/services/test_seed_check.py holds both to each
other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from broker.domain.price_document import TERMS, read_terms
from broker.domain.retention import Stored
from broker.domain.scopes import Role

LONGEST_TEXT = 400
MOST_SHARES = 1_000_000
MOST_DAYS = 36_500

Check = Callable[[Any], str | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """What one kind of row has: ``rows`` are lists of others, ``inside`` is one other."""

    fields: Mapping[str, Check]
    needs: tuple[str, ...]
    rows: Mapping[str, Row] = field(default_factory=dict)
    inside: Mapping[str, Row] = field(default_factory=dict)
    sourced: tuple[str, ...] = ()
    whole: Callable[[Mapping[str, Any]], object] | None = None


def _matching(pattern: str, what: str) -> Check:
    known = re.compile(pattern)
    return lambda value: None if isinstance(value, str) and known.fullmatch(value) else f"{_said(value)} is no {what}"


def _one_of(*words: str) -> Check:
    return lambda value: None if value in words else f"{_said(value)} is none of {', '.join(words)}"


def _shares(value: object) -> str | None:
    fits = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_SHARES
    return None if fits else f"{_said(value)} is no whole number from 0 to {MOST_SHARES:,}"


def _text(value: object) -> str | None:
    fits = isinstance(value, str) and 0 < len(value) <= LONGEST_TEXT
    return None if fits else f"{_said(value)} is no text of 1 to {LONGEST_TEXT} characters"


def _date(value: object) -> str | None:
    fits = isinstance(value, date) and not isinstance(value, datetime)
    return None if fits else f"{_said(value)} is no date such as 2026-11-20"


def _true(value: object) -> str | None:
    return None if value is True else f"{_said(value)} can only be true, or be left out"


def _bool(value: object) -> str | None:
    return None if isinstance(value, bool) else f"{_said(value)} is neither true nor false"


def _slugs(value: object) -> str | None:
    fits = isinstance(value, list) and len(value) > 1 and not any(map(_slug, value)) and len({*value}) == len(value)
    return None if fits else "is no list of two or more different names"


def _days(value: object) -> str | None:
    fits = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MOST_DAYS
    return None if fits else f"{_said(value)} is no number of days from 1 to {MOST_DAYS}"


def _anything(_value: object) -> None:
    """Judged as a part of the whole row."""


def _said(value: object) -> str:
    return f"{value!r:.60}"


_slug = _matching(r"[a-z0-9][a-z0-9-]{0,62}", "name of small letters, digits and dashes")
_device = _matching(r"[a-z0-9-]+/[a-z0-9-]+", "device such as braket/iqm-garnet")
_currency = _matching(r"[A-Z]{3}", "currency of three capital letters")
_amount = _matching(r"[0-9]+(\.[0-9]{1,6})?", 'decimal text in quotes such as "0.30", with at most six decimals')
_pattern = _matching(r"[a-z0-9-]+/[a-z0-9*?-]+", "pattern of devices such as pasqal/*")

_SOURCE: dict[str, Check] = {"source": _text, "date": _date, "example": _true, "note": _text}
_DATED = ("source", "date")
_BUDGET = Row(fields={"limit": _amount, "example": _true}, needs=())
_AGREEMENT = Row(
    fields={"pattern": _pattern, "starts": _date, "ends": _date, **_SOURCE}, needs=("pattern",), sourced=_DATED
)
_RETENTION = Row(fields=dict.fromkeys((kind.value for kind in Stored), _days), needs=())
_HUB = Row(
    fields={"slug": _slug, "name": _text, "currency": _currency, "role": _one_of("hub", "sister"), **_SOURCE},
    needs=("slug", "name", "currency", "role", "budget", "agreements"),
    rows={"agreements": _AGREEMENT},
    inside={"budget": _BUDGET, "retention": _RETENTION},
    sourced=_DATED,
)
_LINK = Row(fields={"hubs": _slugs, **_SOURCE}, needs=("hubs",), sourced=_DATED)
_MEMBER = Row(
    fields={"name": _slug, "role": _one_of(*(role.value for role in Role)), "shares": _shares},
    needs=("name", "role", "shares"),
    inside={"budget": _BUDGET},
)
_PROJECT = Row(
    fields={"slug": _slug, "name": _text, "shares": _shares, "allow_resubmit": _bool},
    needs=("slug", "name", "shares", "budget", "members"),
    rows={"members": _MEMBER},
    inside={"budget": _BUDGET},
)
_ORGANISATION = Row(
    fields={
        "hub": _slug,
        "slug": _slug,
        "name": _text,
        "kind": _one_of("university", "institute", "company", "start-up"),
        "shares": _shares,
        "source": _text,
        "date": _date,
        "example": _true,
    },
    needs=("hub", "slug", "name", "kind", "shares", "budget", "projects"),
    rows={"projects": _PROJECT},
    inside={"budget": _BUDGET},
    sourced=_DATED,
)
_RATE = Row(
    fields={
        "id": _slug,
        "base": _currency,
        "quote": _currency,
        "rate": _amount,
        "as_of": _date,
        "source": _text,
        "example": _true,
        "note": _text,
    },
    needs=("id", "base", "quote", "rate", "as_of"),
    sourced=("source",),
)
_PRICE = Row(
    fields={"device": _device, "currency": _currency, "as_of": _date, "source": _text, "example": _true}
    | dict.fromkeys(sorted(TERMS), _anything),
    needs=("device", "currency", "as_of"),
    sourced=("source",),
    whole=read_terms,
)
_REFERENCE = Row(
    fields={
        "device": _device,
        "reseller": _text,
        "currency": _currency,
        "per_task": _amount,
        "per_shot": _amount,
        "per_hour": _amount,
        "as_of": _date,
        "source": _text,
    },
    needs=("device", "reseller", "currency", "as_of", "source"),
)
ROWS: Mapping[str, Row] = {
    "hubs": Row(fields={}, needs=("hubs",), rows={"hubs": _HUB, "links": _LINK}),
    "organisations": Row(fields={}, needs=("organisations",), rows={"organisations": _ORGANISATION}),
    "rates": Row(fields={}, needs=("rates",), rows={"rates": _RATE}),
    "prices": Row(fields={}, needs=("prices",), rows={"prices": _PRICE, "references": _REFERENCE}),
}
# Lists that may be empty: a hub may have nothing to say there yet.
MAY_BE_EMPTY = frozenset({"prices", "references", "links"})
# What names a row among its like: said twice, one of the two would be lost in silence.
NAMED_BY = {
    "hubs": ("slug",),
    "organisations": ("hub", "slug"),
    "projects": ("slug",),
    "members": ("name",),
    "agreements": ("pattern",),
    "rates": ("id",),
    "prices": ("device", "as_of"),
}
