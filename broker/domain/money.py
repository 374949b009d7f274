"""How much is it? Integer micro-units with a currency; never a float, never two currencies in one sum."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

MICRO = 1_000_000
DISPLAY_DECIMALS = {"KRW": 0, "EUR": 2, "USD": 2, "CAD": 2}


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Money:
    """``micros`` millionths of one unit of ``currency`` (ISO 4217, or a vendor's credit such as ``QCR``)."""

    currency: str
    micros: int

    def __add__(self, other: Money) -> Money:
        """Sum of two amounts in one currency; anything else is a bug."""
        if other.currency != self.currency:
            raise ValueError(f"cannot add {other.currency} to {self.currency}")
        return Money(currency=self.currency, micros=self.micros + other.micros)

    def __str__(self) -> str:
        """For people: rounded half to even at the currency's usual decimals."""
        places = DISPLAY_DECIMALS.get(self.currency, 6)
        step = Decimal(1).scaleb(-places)
        return f"{(Decimal(self.micros) / MICRO).quantize(step, ROUND_HALF_EVEN):,f} {self.currency}"

    @classmethod
    def parse(cls, amount: str, currency: str) -> Money:
        """From decimal text such as ``0.00145``; more than six decimals is an error, never a rounding."""
        micros = Decimal(amount) * MICRO
        if not micros.is_finite() or micros != micros.to_integral_value():
            raise ValueError(f"{amount} {currency} has more than six decimals")
        return cls(currency=currency, micros=int(micros))


@dataclass(frozen=True, kw_only=True, slots=True)
class Rate:
    """A dated exchange rate: one unit of ``base`` costs ``micros`` millionths of ``quote``."""

    id: str
    base: str
    quote: str
    micros: int
    as_of: datetime
    source: str


def convert(amount: Money, rate: Rate) -> Money:
    """``amount`` in the rate's quote currency, rounded up to the next micro-unit so that a hold never falls short."""
    if amount.currency != rate.base:
        raise ValueError(f"rate {rate.id} converts {rate.base}, not {amount.currency}")
    return Money(currency=rate.quote, micros=-(-amount.micros * rate.micros // MICRO))


def most_within(amount: Money, rate: Rate) -> Money:
    """The most in the rate's base currency that converts to no more than ``amount``."""
    if amount.currency != rate.quote:
        raise ValueError(f"rate {rate.id} converts to {rate.quote}, not {amount.currency}")
    return Money(currency=rate.base, micros=amount.micros * MICRO // rate.micros)
