"""What do we ask Pasqal to create? A batch with one job per point, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True, slots=True)
class DraftJob:
    """One job: ``runs`` shots of the batch's sequence with ``variables`` bound, or of a ``sequence`` of its own."""

    runs: int
    variables: Mapping[str, Any] | None = None
    sequence: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """One batch. ``device_type`` is the vendor's word; ``configuration`` an emulator's, in Pulser's own text."""

    sequence: str | None
    jobs: tuple[DraftJob, ...]
    device_type: str
    tags: tuple[str, ...] = ()
    open: bool = False
    configuration: str | None = field(default=None, repr=False)
