"""What is a mistake in the protocol? A patch of the code, with the schedules that should notice it first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """``where`` is ``random``, or a pattern on the ids of exhaustive schedules."""

    name: str
    make: Callable[[pytest.MonkeyPatch], None]
    where: str


def collector(
    into: dict[str, Mistake],
) -> Callable[[str], Callable[[Callable[[pytest.MonkeyPatch], None]], None]]:
    """A decorator that puts mistakes into a list, named by their functions."""

    def mutant(where: str) -> Callable[[Callable[[pytest.MonkeyPatch], None]], None]:
        def add(make: Callable[[pytest.MonkeyPatch], None]) -> None:
            into[make.__name__] = Mistake(name=make.__name__, make=make, where=where)

        return add

    return mutant
