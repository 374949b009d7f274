"""What is checked before money is touched? Intake, points, access and routing; pure but for cached look-ups."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from broker.domain.errors import NotFound, ProgramInvalid, RequestInvalid
from broker.intake.inspect import inspect
from broker.services.decide import Asked, Decider
from broker.store.requirement_text import dump_requirement

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
ACCESS_KEPT = timedelta(seconds=5)


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
        self._inspected: OrderedDict[str, Inspected | ProgramInvalid] = OrderedDict()
        self._access: dict[str, tuple[datetime, Access]] = {}
        self._lock = threading.Lock()

    def inspected(self, program: Program) -> Inspected | None:
        """What is already known of a program; raises what intake raised."""
        found = self._inspected.get(program.sha256)
        if isinstance(found, ProgramInvalid):
            raise found
        return found

    def inspect(self, program: Program) -> Inspected:
        """Inspect a program, linear in its length.

        Raises:
            ProgramInvalid: with its place.
        """
        found: Inspected | ProgramInvalid
        try:
            need = inspect(program)
            found = Inspected(requirement=need, text=json.dumps(dump_requirement(need)))
        except ProgramInvalid as error:
            found = error.with_traceback(None)
        with self._lock:
            self._inspected[program.sha256] = found
            while len(self._inspected) > KEPT:
                self._inspected.popitem(last=False)
        if isinstance(found, ProgramInvalid):
            raise found
        return found

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
        return self._decider.decide(asked, self._market.now(at))

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
