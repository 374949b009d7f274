"""What may one look of this worker take? Room at each device and, of local runs, at its own host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from broker.domain.recovery import Recovery
from broker.services.claim import Claim
from workers.scales import Scales

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from backends.base import Backend
    from broker.domain.device import Device
    from broker.domain.job import Job
    from broker.domain.terms import Terms
    from broker.store.unit_of_work import Work
    from workers.heart import Heart


class Claims:
    """The terms of this worker's looks; without a ``heart`` it stands on no host that others know."""

    def __init__(
        self,
        *,
        owner: str,
        backends: Mapping[str, Backend],
        terms: Terms,
        devices: Callable[[], Mapping[str, Device]],
        heart: Heart | None,
    ) -> None:
        self._owner = owner
        self._backends = tuple(backends)
        self._hosted = frozenset(name for name, each in backends.items() if each.recovery is Recovery.RERUN)
        self._terms = terms
        self._devices = devices
        self._heart = heart
        self._scales = Scales()

    def at(self, at: datetime) -> Claim:
        """What may be taken now."""
        return Claim(
            owner=self._owner,
            backends=self._backends,
            lease=self._terms.lease,
            limit=self._terms.batch,
            room={name: each.concurrency for name, each in self._devices().items() if self._may_begin(each, at)},
            doubted=self._terms.doubted,
            here=None if self._heart is None else self._heart.here(at),
            hosted=self._hosted,
            fits=self._fits(),
        )

    def _fits(self) -> Callable[[Work, Sequence[Job]], Sequence[Job]] | None:
        """Nothing to weigh where there is nobody to leave a job to: the host's own lanes put them in order."""
        heart = self._heart
        return None if heart is None or not heart.others else self._scales.at(heart)

    def _may_begin(self, device: Device, at: datetime) -> bool:
        """Not on a host that is not heard of: others would begin the same again."""
        return self._heart is None or device.backend not in self._hosted or self._heart.has(device, at)
