"""How long is what kept? A rule per hub and kind, and what stays for ever whatever the rules say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

SHORTEST_DAYS = 1  # whatever is younger may still be sent, decided anew, counted or repeated by a client


class Stored(StrEnum):
    """What rules are about. Jobs, hashes, charges, the journal and the audit log are no kind: they stay."""

    PROGRAMS = "programs"
    RESULTS = "results"
    EVENTS = "events"
    DECISIONS = "decisions"


class Subject(StrEnum):
    """What a legal hold is about."""

    JOB = "job"
    PROJECT = "project"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """A hub keeps a kind for so many days after a job's end; without a rule it is kept for ever."""

    hub: str
    hub_name: str
    kind: Stored
    days: int

    def before(self, at: datetime) -> datetime:
        """Jobs that ended before then have had their time."""
        return at - timedelta(days=max(self.days, SHORTEST_DAYS))

    def words(self) -> str:
        """The rule as it is told to whoever asks for what is gone."""
        days = "1 day" if self.days == 1 else f"{self.days} days"
        return f"hub {self.hub_name} keeps {self.kind} for {days} after a job's end"


@dataclass(frozen=True, kw_only=True, slots=True)
class Removal:
    """When a job's programs, results, events or decision were removed, and the words of the rule."""

    kind: Stored
    at: datetime
    rule: str
