"""What may a key do, given the keys that made it? Rights only shrink from a hub's first key down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

LONGEST_LINE = 16  # keys in a line: whoever looks a key up reads them all


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """One key of a line; ``scopes`` are those it was given and its member's role still has."""

    id: str
    scopes: frozenset[str]
    expires_at: datetime | None
    revoked_at: datetime | None
    budget: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Rights:
    """What is left of a key under all of its makers; ``line`` are their ids, the key's own first."""

    line: tuple[str, ...]
    scopes: frozenset[str]
    expires_at: datetime | None
    revoked_at: datetime | None
    budgets: tuple[str, ...]


def inherited(line: Sequence[Link]) -> Rights:
    """The rights of the first key of a line, which goes up to the key that nobody's key made.

    A key whose maker has ended has ended, and spends from every budget above it; the outermost is named first.
    """
    return Rights(
        line=tuple(link.id for link in line),
        scopes=frozenset.intersection(*(link.scopes for link in line)),
        expires_at=earliest(*(link.expires_at for link in line)),
        revoked_at=earliest(*(link.revoked_at for link in line)),
        budgets=tuple(dict.fromkeys(link.budget for link in reversed(line) if link.budget is not None)),
    )


def earliest(*times: datetime | None) -> datetime | None:
    """The first of them; None is never."""
    return min((at for at in times if at is not None), default=None)
