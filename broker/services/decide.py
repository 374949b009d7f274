"""Where may it run, and why? Routing with everything it looked at written down, and nothing computed twice."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from broker.domain.bounded import Bounded
from broker.domain.decision import Decision, Offer, Refusal
from broker.domain.device import Kind
from broker.domain.hub import Access, Agreement
from broker.domain.money import Money
from broker.domain.policy import Policy, Preference
from broker.domain.routing import route
from broker.store.requirement_text import dump_requirement, load_requirement
from broker.store.rows import compact

if TYPE_CHECKING:
    from broker.domain.device import Device
    from broker.domain.requirement import Requirement
    from broker.services.market import Posted

KEPT = 4096
KEPT_BYTES = 64 << 20
TIMES = 4  # a decision's values, its question's and its text, in bytes for each character of the text


@dataclass(frozen=True, kw_only=True, slots=True)
class Decided:
    """A decision with its name and stored text; equal questions on one snapshot share one."""

    id: str
    body: str
    decision: Decision
    posted: Posted

    def chosen(self) -> tuple[Offer, Device]:
        """The offer that was chosen and its device, as it was posted.

        Raises:
            LookupError: nobody offers.
        """
        choice = self.decision.choice
        offer = next((offer for offer in self.decision.offers if offer.device == choice), None)
        if offer is None:
            raise LookupError("the decision has no choice")
        return offer, next(device for device in self.posted.snapshot.devices if device.name == choice)


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What is asked of routing; hashable, so that the same question is answered once per snapshot."""

    need: Requirement
    policy: Policy
    access: Access
    currency: str


class _Once:
    """A question whose hash is computed once: it goes through every part of the requirement and of the access."""

    __slots__ = ("_asked", "_hash")

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._hash = hash(asked)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Once) and self._asked == other._asked


class Decider:
    """Answers questions on the newest snapshot; keeps a bounded number of answers, and none on an older one.

    An older snapshot is not asked again, and each answer would keep the whole of it in memory.
    """

    def __init__(self) -> None:
        self._kept: Bounded[_Once, Decided] = Bounded(most=KEPT, most_bytes=KEPT_BYTES)
        self._newest: Posted | None = None

    def decide(self, asked: Asked, posted: Posted, *, owner: str = "") -> Decided:
        """Every offer and refusal, and the choice."""
        if posted is not self._newest:
            self._kept.clear()
            self._newest = posted
        question = _Once(asked)
        kept = self._kept.get(question)
        if kept is None or kept.posted is not posted:
            kept = decide(asked, posted)
            self._kept.put(question, kept, size=TIMES * len(kept.body), owner=owner)
        return kept


def decide(asked: Asked, posted: Posted) -> Decided:
    """Ask routing, and write down what it was asked and what it answered."""
    decision = route(asked.need, asked.policy, asked.access, posted.snapshot, currency=asked.currency)
    body = compact({"asked": asked_document(asked), "snapshot": posted.id, "decision": decision_document(decision)})
    return Decided(id=hashlib.sha256(body.encode()).hexdigest(), body=body, decision=decision, posted=posted)


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(type(value).__name__)


def asked_document(asked: Asked) -> dict[str, Any]:
    """Plain JSON values of a question."""
    document: dict[str, Any] = json.loads(
        json.dumps(
            {
                "requirement": dump_requirement(asked.need),
                "policy": asdict(asked.policy),
                "access": asdict(asked.access),
                "currency": asked.currency,
            },
            default=_plain,
        )
    )
    return document


def load_asked(body: dict[str, Any]) -> Asked:
    """The question of a stored decision."""
    policy, access = body["policy"], body["access"]
    return Asked(
        need=load_requirement(body["requirement"]),
        policy=Policy(
            prefer=Preference(policy["prefer"]),
            kind=None if policy["kind"] is None else Kind(policy["kind"]),
            device=policy["device"],
            max_cost=None if policy["max_cost"] is None else Money(**policy["max_cost"]),
            deadline=_moment(policy["deadline"]),
            min_success=policy["min_success"],
            refused_by=tuple((device, reason) for device, reason in policy["refused_by"]),
        ),
        access=Access(
            hub=access["hub"],
            hub_name=access["hub_name"],
            agreements=tuple(
                Agreement(**(line | {"starts": _moment(line["starts"]), "ends": _moment(line["ends"])}))
                for line in access["agreements"]
            ),
        ),
        currency=body["currency"],
    )


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def decision_document(decision: Decision) -> dict[str, Any]:
    """Plain JSON values of a decision."""
    return asdict(decision)


def load_decision(body: dict[str, Any]) -> Decision:
    """The decision that ``decision_document`` wrote."""
    return Decision(
        offers=tuple(
            Offer(**(o | {"cost": Money(**o["cost"]), "list_cost": Money(**o["list_cost"])})) for o in body["offers"]
        ),
        refusals=tuple(Refusal(**refusal) for refusal in body["refusals"]),
        choice=body["choice"],
        why=body["why"],
    )
