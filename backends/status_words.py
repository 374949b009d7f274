"""What does a vendor's status word mean? One table for each vendor; a word that is not in it is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from backends.errors import UnknownStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from backends.base import Phase


@dataclass(frozen=True, slots=True)
class StatusWords:
    """The words of one vendor with our phase for each."""

    vendor: str
    phases: Mapping[str, Phase]

    def phase_of(self, word: str) -> Phase:
        """Our phase for the vendor's word.

        Raises:
            UnknownStatus: the word is not documented. Guessing a state would guess a bill.
        """
        try:
            return self.phases[word]
        except (KeyError, TypeError):
            raise UnknownStatus(f"{self.vendor} sent status {word!r}") from None
