"""Which parts of a text do other texts share? What stands still is named once, so that it can be kept once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, kw_only=True, slots=True)
class Pieces:
    """A text in turns: one of its ``own``, one that it shares, and so on; there is one more of its own."""

    own: tuple[str, ...]
    shared: tuple[str, ...] = ()

    @classmethod
    def cut(cls, text: str, shared: Iterable[str]) -> Self:
        """The text with these parts cut out; each must stand in it, after the one before.

        Raises:
            ValueError: one does not.
        """
        own, cut, place = list[str](), list[str](), 0
        for part in shared:
            found = text.index(part, place)
            own.append(text[place:found])
            cut.append(part)
            place = found + len(part)
        return cls(own=(*own, text[place:]), shared=tuple(cut))

    def whole(self) -> str:
        """The text itself, character for character."""
        turns = [self.own[0]]
        for part, own in zip(self.shared, self.own[1:], strict=True):
            turns += (part, own)
        return "".join(turns)
