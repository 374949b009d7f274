"""Which devices can be used, and how busy are they? As the workers last saw them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.core import GaugeMetricFamily

from broker.domain.device import Status
from broker.domain.eta import next_open
from broker.store.catalogue import REFUSED_CREDENTIALS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from prometheus_client.metrics_core import Metric

    from broker.domain.device import Device
    from broker.store.unit_of_work import Work


def families(work: Work, vendors: tuple[str, ...], at: datetime) -> Iterator[Metric]:
    """Gauges per device and per vendor."""
    known = sorted(work.catalogue.devices(), key=lambda device: device.name)
    yield _per_device(
        "qsubmit_device_available", "1 if the device is online and open now",
        {d.name: float(d.status is Status.ONLINE and next_open(d.windows, at) == at) for d in known},
    )  # fmt: skip
    queues = {str(d.name): float(d.queue_depth) for d in known if d.queue_depth is not None}
    yield _per_device("qsubmit_device_queue_depth", "Jobs in the vendor's queue, where it says", queues)
    backlog = dict.fromkeys((d.name for d in known), 0) | work.catalogue.backlog()
    ours = {name: float(count) for name, count in backlog.items()}
    yield _per_device("qsubmit_device_backlog", "Live jobs of ours on the device", ours)
    yield from _times(known, at)
    yield from _pauses(work.catalogue.pauses(at), vendors)
    resting = GaugeMetricFamily(
        "qsubmit_breaker_open", "1 while a device or backend is left alone after failures in a row", labels=["scope"]
    )
    opened = {each.scope: float(each.is_open(at)) for each in work.breakers.all().values()}
    for scope, value in sorted((dict.fromkeys(vendors, 0.0) | opened).items()):
        resting.add_metric([scope], value)
    yield resting


def _times(known: list[Device], at: datetime) -> Iterator[Metric]:
    opens = {str(d.name): next_open(d.windows, at).timestamp() for d in known if d.windows}
    text = "When a device with opening hours is open next, or now"
    yield _per_device("qsubmit_device_next_window_timestamp_seconds", text, opens)
    ages = {
        str(d.name): (at - d.calibration.as_of).total_seconds() for d in known if d.calibration and d.calibration.as_of
    }
    yield _per_device("qsubmit_device_calibration_age_seconds", "Since the vendor's last calibration", ages)


def _pauses(paused: dict[str, str], vendors: tuple[str, ...]) -> Iterator[Metric]:
    family = GaugeMetricFamily(
        "qsubmit_backend_paused", "1 while nothing is sent to a backend or device", labels=["scope"]
    )
    for scope in sorted({*vendors, *paused}):
        family.add_metric([scope], float(scope in paused))
    yield family
    refused = GaugeMetricFamily(
        "qsubmit_backend_unauthorized", "1 while the vendor refuses our credentials", labels=["vendor"]
    )
    for vendor in vendors:
        refused.add_metric([vendor], float(paused.get(vendor) == REFUSED_CREDENTIALS))
    yield refused


def _per_device(name: str, text: str, values: dict[str, float]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=["device"])
    for device, value in sorted(values.items()):
        family.add_metric([device], value)
    return family
