"""What may an operator or a test make a sandbox do? Delays, failures, devices off, and faults on the wire."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass, field, fields, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class Trouble(StrEnum):
    """Ways in which one HTTP exchange can go wrong. *After* means that the request took effect first."""

    THROTTLE = "throttle"
    UNAVAILABLE = "unavailable"
    UNAUTHORIZED = "unauthorized"
    INVALID = "invalid"
    ERROR_BEFORE = "error_before"
    ERROR_AFTER = "error_after"
    BAD_GATEWAY_AFTER = "bad_gateway_after"
    DROP_BEFORE = "drop_before"
    DROP_AFTER = "drop_after"
    TRUNCATE = "truncate"
    GARBLE = "garble"
    SLOW = "slow"
    HANG = "hang"
    LATE = "late"


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """Trouble for the next ``times`` requests of the kind ``on``; ``times`` -1 lasts until the knobs change.

    ``on`` is ``create``, ``read``, ``result``, ``cancel``, ``list``, ``devices`` … as the vendor's sandbox names its
    requests, or ``any``. ``seconds`` is the length of a slow body, a hang, or the time after which a late request
    lands. ``retry_after`` is the header of a throttle, in seconds.
    """

    trouble: Trouble
    on: str = "create"
    times: int = 1
    seconds: float = 1.0
    retry_after: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """All knobs at one time; delays in seconds, devices by the vendor's own id.

    ``fail_next`` counts runs that will fail. ``status_word`` replaces the status of every task that is shown.
    ``noise`` off makes QPUs run without their published errors, for comparison with a direct simulation.
    """

    queue_delay: float = 0.0
    run_delay: float = 0.0
    fail_rate: float = 0.0
    fail_next: int = 0
    offline: tuple[str, ...] = ()
    retired: tuple[str, ...] = ()
    insufficient_credit: bool = False
    status_word: str | None = None
    noise: bool = True
    faults: tuple[Fault, ...] = field(default=())

    def turned(self, changes: Mapping[str, Any]) -> Setting:
        """With some knobs turned, from JSON; an unknown knob or value is a ``ValueError``."""
        unknown = set(changes) - {knob.name for knob in fields(self)}
        if unknown:
            raise ValueError(f"no such knob: {', '.join(sorted(unknown))}")
        lists = {name: tuple(changes[name]) for name in ("offline", "retired") if name in changes}
        faults = {"faults": tuple(map(_fault, changes["faults"]))} if "faults" in changes else {}
        return replace(self, **{**changes, **lists, **faults})


def _fault(document: Fault | Mapping[str, Any]) -> Fault:
    if isinstance(document, Fault):
        return document
    try:
        return Fault(**{**document, "trouble": Trouble(document["trouble"])})
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a fault: {document}") from error


class Knobs:
    """The present setting, shared by the wire, the executor and the admin routes."""

    def __init__(self, setting: Setting | None = None) -> None:
        self._lock = threading.Lock()
        self._first = setting or Setting()
        self._setting = self._first
        self._seen: dict[str, int] = {}

    @property
    def now(self) -> Setting:
        """The setting at this moment."""
        return self._setting

    def turn(self, **changes: Any) -> Setting:  # noqa: ANN401  JSON values, checked by Setting.turned
        """Change some knobs."""
        with self._lock:
            self._setting = self._setting.turned(changes)
            return self._setting

    def reset(self) -> None:
        """Back to the first setting, with the request counts at nought."""
        with self._lock:
            self._setting = self._first
            self._seen.clear()

    def draw(self, kind: str) -> Fault | None:
        """Count one request of ``kind``; take the first fault that is meant for it, one time fewer left."""
        with self._lock:
            self._seen[kind] = self._seen.get(kind, 0) + 1
            for place, fault in enumerate(self._setting.faults):
                if fault.times != 0 and fault.on in (kind, "any"):
                    self._spend(place, fault)
                    return fault
            return None

    def _spend(self, place: int, fault: Fault) -> None:
        left = replace(fault, times=max(fault.times - 1, -1) if fault.times > 0 else fault.times)
        faults = self._setting.faults
        self._setting = replace(self._setting, faults=(*faults[:place], left, *faults[place + 1 :]))

    def draw_failure(self) -> bool:
        """Whether the next run must fail because of ``fail_next``; counts it."""
        with self._lock:
            if self._setting.fail_next <= 0:
                return False
            self._setting = replace(self._setting, fail_next=self._setting.fail_next - 1)
            return True

    def seen(self) -> dict[str, int]:
        """How many requests of each kind reached the server, accepted or not."""
        with self._lock:
            return dict(self._seen)

    def document(self) -> dict[str, Any]:
        """The JSON form of ``GET /_sandbox/knobs``."""
        return asdict(self._setting) | {"seen": self.seen()}
