"""Is Amazon told what the hub may spend? The belt follows the budgets through the real adapter and wire."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import boto3
import pytest

from backends.braket.adapter import backend
from broker.domain.recovery import Recovery
from broker.queue import SilentDoorbell
from broker.services.ceiling import ceilings
from broker.services.seed import load
from broker.store.engine import open_engine
from broker.store.schema import upgrade
from broker.store.unit_of_work import Store
from tests.contract.braket_case import CASE

NOW = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture
def store(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path / 'hub.db'}")
    upgrade(engine)
    made = Store(engine, SilentDoorbell())
    load(made, Path("seeds"))
    yield made
    engine.dispose()


def test_the_vendors_limit_is_what_the_hubs_may_spend(store, tmp_path):
    with closing(CASE.start(tmp_path / "sandbox")) as sandbox:
        braket = backend(data=tmp_path, environ={"QSUBMIT_BRAKET_SANDBOX_URL": sandbox.url})
        with store.write() as work:
            work.catalogue.put_devices("braket", Recovery.TOKEN.value, braket.devices(), NOW)
        with store.read() as work:
            found = {device.name: (device, amount) for device, amount in ceilings(work, "braket", NOW)}
        device, amount = found["braket/ionq-forte-1"]
        braket.keep_ceiling(device, amount)
        braket.keep_ceiling(device, amount)
        client = boto3.client(
            "braket",
            region_name="us-east-1",
            endpoint_url=sandbox.url,
            aws_access_key_id="x",
            aws_secret_access_key="y",
        )
        limits = client.search_spending_limits(filters=[])["spendingLimits"]
        braket.close()
    # Daejeon alone reaches Braket: 2,000,000,000 KRW at 1,477.1 KRW a dollar, rounded up to a cent.
    assert [limit["spendingLimit"] for limit in limits] == ["1354004.47"]
