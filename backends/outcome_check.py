"""May this result be kept? Whoever measured it, and whatever read it: counts are counts, texts can be stored."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from backends import storable
from backends.errors import BackendError, Unreadable
from broker.domain.price import Usage
from broker.domain.result import Outcomes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from backends.base import Outcome

# A sweep of the largest hub has 10,000 points; a classical register of intake 100,000 bits.
MOST_POINTS = 100_000
LONGEST_KEY = 100_000
MOST_WARNINGS = 1000
MOST_PACKAGES = 50
_FOCK = re.compile(r"\|(?:\d{1,4}(?:,\d{1,4})*+)?+>")
_FOREIGN = (
    *(KeyError, TypeError, ValueError, AttributeError, IndexError, ArithmeticError, RecursionError, StopIteration),
    *(AssertionError, MemoryError),
)


@contextmanager
def documented(vendor: str) -> Iterator[None]:
    """What reading an answer stumbles over is a fault of the answer; its text may hold anything, so its kind is told.

    Raises:
        Unreadable: instead of what Python says about a document of another shape.
    """
    try:
        yield
    except BackendError:
        raise
    except _FOREIGN as error:
        raise Unreadable(f"{vendor}'s answer is not as documented ({type(error).__name__})") from None


def counted(value: object, *, most: int | None = None) -> Mapping[str, int]:
    """A histogram: keys all of bits, or all Fock states, of one length; whole counts that sum to ``most`` or less.

    Raises:
        Unreadable: it is none.
    """
    if not isinstance(value, dict):
        raise Unreadable("a result without a histogram")
    if not value:
        return value
    if set(map(type, value)) != {str} or set(map(type, value.values())) != {int} or min(value.values()) < 0:
        raise Unreadable("a histogram of something else than counts")
    if max(map(len, value)) > LONGEST_KEY or not (_are_bits(value) or _are_states(value)):
        raise Unreadable("a histogram with keys that are no outcomes of one register")
    total = sum(value.values())
    if total > (storable.MAX_AMOUNT if most is None else most):
        raise Unreadable(f"a histogram of {total} shots, {most} were asked for")
    return value


def _are_bits(keys: Mapping[str, int]) -> bool:
    return len(set(map(len, keys))) == 1 and not "".join(keys).strip("01")


def _are_states(keys: Mapping[str, int]) -> bool:
    return all(map(_FOCK.fullmatch, keys)) and len({key.count(",") for key in keys}) == 1


def sound(outcome: Outcome) -> Outcome:
    """The same outcome, storable.

    Raises:
        Unreadable: counts or a usage that cannot be.
    """
    if not 1 <= len(outcome.points) <= MOST_POINTS:
        raise Unreadable(f"a result of {len(outcome.points)} points")
    return replace(
        outcome,
        points=tuple(Outcomes(counts=counted(p.counts), bindings=_bindings(p.bindings)) for p in outcome.points),
        usage=usage(outcome.usage),
        raw=whole(outcome.raw) or "",
        compiled=whole(outcome.compiled),
        calibration=whole(outcome.calibration),
        engine=storable.name(outcome.engine),
        software=software(outcome.software),
        warnings=tuple(storable.text(warning) for warning in outcome.warnings[:MOST_WARNINGS]),
        run_started_at=storable.seconds(outcome.run_started_at),
        run_ended_at=storable.seconds(outcome.run_ended_at),
    )


def usage(told: Usage) -> Usage:
    """The same, or ``Unreadable`` where a figure could not be booked."""
    for part in (told.tasks, told.shots, told.run_ms):
        if storable.amount(part) is None:
            raise Unreadable("the vendor's usage holds a figure that nothing can have used")
    return told


def whole(value: object) -> str | None:
    """A document as text: of any length, but storable. Almost all are ASCII, which costs one look."""
    if not isinstance(value, str):
        return None
    return value if value.isascii() and "\0" not in value else storable.text(value, len(value))


def software(value: object) -> dict[str, str]:
    """Packages and their versions, as far as they are short texts."""
    pairs = list(value.items())[:MOST_PACKAGES] if hasattr(value, "items") else []
    return {storable.text(key, 100): storable.text(version, 100) for key, version in pairs if key and version}


def _bindings(value: Mapping[Any, Any]) -> dict[str, float]:
    found: dict[str, float] = {}
    for key, number in value.items():
        if not isinstance(key, str) or not isinstance(number, (int, float)) or not abs(number) < float("inf"):
            raise Unreadable("a point that binds something else than numbers")
        found[storable.text(key, 1000)] = float(number)
    return found
