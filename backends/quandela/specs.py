"""What is a Quandela platform made of? Its details, without what changes while it stands there."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from broker.domain.specs import Specs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from broker.domain.device import Device

# Not the status, nor how many wait: with those, each look would be another version.
_LASTING = ("id", "name", "type", "specs", "perfs", "perfs_date")


def specs_of(device: Device, details: Mapping[str, Any]) -> Specs:
    """``photonic`` is what Perceval calls the platform's specifications."""
    found, calibration = details.get("specs"), device.calibration
    at: datetime | None = (
        None if calibration is None or calibration.as_of is None else calibration.as_of.astimezone(UTC)
    )
    return Specs(
        device=device.name,
        photonic=json.dumps(found, sort_keys=True) if isinstance(found, dict) else None,
        vendor=json.dumps({name: details[name] for name in _LASTING if name in details}, sort_keys=True),
        as_of=at,
    )
