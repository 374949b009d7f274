"""What is checked before money is touched? Intake, points, access and routing; pure but for cached look-ups."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from broker.domain.bounded import Bounded
from broker.domain.errors import NotFound, ProgramInvalid, RequestInvalid
from broker.intake.inspect import inspect
from broker.intake.limits import LIMITS
from broker.services.bench import Bench
from broker.services.decide import Asked, Decider
from broker.store.requirement_text import dump_requirement, load_requirement

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from broker.domain.hub import Access, Member
    from broker.domain.policy import Policy
    from broker.domain.program import Program
    from broker.domain.requirement import Requirement
    from broker.services.decide import Decided
    from broker.services.market import Market
    from broker.store.unit_of_work import Store

KEPT = 4096
KEPT_BYTES = 32 << 20
TIMES = 8  # a requirement's values take about so many bytes for each character of its text
ACCESS_KEPT = timedelta(seconds=5)
SMALL = 4096  # characters of a source that is looked at where it arrives
# What such a look may cost, a few milliseconds at most. A text of 90 characters can ask for a million operations.
BRIEF = replace(
    LIMITS, work=2000, operations=2000, qubits=300, bits=3000, parameters=200, modes=50, blob=32 << 10, fields=3000
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Inspected:
    """What intake found, with its stored text."""

    requirement: Requirement
    text: str


class Preparation:
    """Program hash -> requirement, hub -> access, question -> decision: each computed once and kept, bounded."""

    def __init__(self, store: Store, market: Market) -> None:
        self._store = store
        self._market = market
        self._decider = Decider()
        self._bench = Bench()
        self._inspected: Bounded[str, Inspected | ProgramInvalid] = Bounded(most=KEPT, most_bytes=KEPT_BYTES)
        self._access: dict[str, tuple[datetime, Access]] = {}

    def close(self) -> None:
        """End what was started."""
        self._bench.close()

    def inspected(self, program: Program) -> Inspected | None:
        """What is already known of a program; raises what intake raised."""
        found = self._inspected.get(program.sha256)
        if isinstance(found, ProgramInvalid):
            raise found.with_traceback(None)
        return found

    async def inspect(self, program: Program, owner: str) -> Inspected:
        """Inspect a program: here if a brief look will do, else in another process, where nobody waits behind it.

        Raises:
            ProgramInvalid: with its place.
            TooMany: the owner has too many heavy programs in the queue.
            Unavailable: all together have.
        """
        try:
            found = self._briefly(program) if len(program.source) < SMALL else None
            if found is None:
                text = await self._bench.inspect(program, owner)
                found = Inspected(requirement=load_requirement(json.loads(text)), text=text)
        except ProgramInvalid as error:
            kept = error.with_traceback(None)
            self._inspected.put(program.sha256, kept, size=1024 + 4 * len(kept.detail), owner=owner)
            raise
        self._inspected.put(program.sha256, found, size=1024 + TIMES * len(found.text), owner=owner)
        return found

    @staticmethod
    def _briefly(program: Program) -> Inspected | None:
        """None where only the full bounds can tell."""
        try:
            need = inspect(program, limits=BRIEF)
        except ProgramInvalid as error:
            if error.code.startswith("program_too_") or error.code == "program_bomb":
                return None
            raise
        return Inspected(requirement=need, text=json.dumps(dump_requirement(need)))

    def decide(
        self, member: Member, need: Requirement, policy: Policy, *, shots: int, points: int, at: datetime
    ) -> Decided:
        """Every device's answer for this member."""
        asked = Asked(
            need=replace(need, shots=shots, points=max(1, points)),
            policy=policy,
            access=self._access_of(member.hub, at),
            currency=member.currency,
        )
        return self._decider.decide(asked, self._market.now(at), owner=member.id)

    def ready(self, member: Member, at: datetime) -> bool:
        """Whether ``decide`` will answer without reading the database."""
        kept, posted = self._access.get(member.hub), self._market.latest
        return (
            kept is not None and at - kept[0] < ACCESS_KEPT and posted is not None and posted is self._market.fresh(at)
        )

    def _access_of(self, hub: str, at: datetime) -> Access:
        kept = self._access.get(hub)
        if kept is not None and at - kept[0] < ACCESS_KEPT:
            return kept[1]
        with self._store.read() as work:
            access = work.people.access(hub)
        if access is None:
            raise NotFound(f"there is no hub {hub}")
        self._access[hub] = (at, access)
        return access


def check_points(need: Requirement, points: Sequence[Mapping[str, float]]) -> None:
    """Every point must bind exactly the program's parameters.

    Raises:
        RequestInvalid: names the point and the parameter.
    """
    wanted = set(need.parameters)
    if wanted and not points:
        raise RequestInvalid(
            f"the program has free parameters ({', '.join(sorted(wanted))}); give points", pointer="/points"
        )
    for number, point in enumerate(points):
        missing, unknown = wanted - point.keys(), point.keys() - wanted
        if missing:
            raise RequestInvalid(
                f"point {number} does not bind {', '.join(sorted(missing))}", pointer=f"/points/{number}"
            )
        if unknown:
            raise RequestInvalid(
                f"point {number} binds {', '.join(sorted(unknown))}, which the program does not have",
                pointer=f"/points/{number}",
            )
