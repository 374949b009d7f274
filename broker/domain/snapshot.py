"""What did routing look at? Devices, forecasts, rates and pauses at one time, kept so that a choice can be replayed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from broker.domain.device_document import device_document, device_of, rate_document, rate_of
from broker.domain.tier import Standing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from broker.domain.device import Device
    from broker.domain.money import Rate


@dataclass(frozen=True, kw_only=True, slots=True)
class Forecast:
    """What to expect of one device, from our own ``history`` of that many jobs (0 = a guess from its data).

    ``wait_s`` and ``wait_p90_s`` count only time in which the device is open; its closed hours are
    added when a job is placed (eta.after_open). ``run_s`` is for one vendor task.
    """

    wait_s: float
    wait_p90_s: float
    run_s: float
    history: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """Everything that ``route()`` looks at, besides what the user asks and what the hub may reach.

    ``forecasts`` is by device name, ``rates`` by (base, quote), ``paused`` by backend or device name
    with the reason, ``standings`` by the counter of tiered prices. A document loads back to an equal snapshot.
    """

    at: datetime
    devices: tuple[Device, ...]
    forecasts: Mapping[str, Forecast]
    rates: Mapping[tuple[str, str], Rate]
    paused: Mapping[str, str]
    standings: Mapping[str, Standing] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """The JSON form, in an order that does not depend on how the mappings were filled."""
        return {
            "at": self.at.isoformat(),
            "devices": [device_document(device) for device in self.devices],
            "forecasts": {
                name: [each.wait_s, each.wait_p90_s, each.run_s, each.history]
                for name, each in sorted(self.forecasts.items())
            },
            "rates": self.document_of_rates(),
            "paused": dict(sorted(self.paused.items())),
        } | ({"standings": {name: list(at) for name, at in sorted(self.standings.items())}} if self.standings else {})

    def document_of_rates(self) -> list[dict[str, Any]]:
        """The part of the document that tells the rates."""
        return [
            {"from": base, "to": quote, "rate": rate_document(rate)}
            for (base, quote), rate in sorted(self.rates.items())
        ]

    @classmethod
    def load(cls, body: Mapping[str, Any]) -> Snapshot:
        """The snapshot whose ``document()`` this was."""
        return cls(
            at=datetime.fromisoformat(body["at"]),
            devices=tuple(device_of(device) for device in body["devices"]),
            forecasts={name: _forecast_of(row) for name, row in body["forecasts"].items()},
            rates={(row["from"], row["to"]): rate_of(row["rate"]) for row in body["rates"]},
            paused=dict(body["paused"]),
            standings={name: Standing(*at) for name, at in body.get("standings", {}).items()},
        )


def _forecast_of(row: list[Any]) -> Forecast:
    wait_s, wait_p90_s, run_s, history = row
    return Forecast(wait_s=wait_s, wait_p90_s=wait_p90_s, run_s=run_s, history=history)
