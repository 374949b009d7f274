"""Does any text from outside reach the tables of both databases, and a row that cannot be stored stop no other?"""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from backends.base import Phase, Snapshot
from broker.domain.pieces import Pieces
from broker.domain.result import seal
from broker.domain.text import storable
from broker.store import tables
from broker.store.audit import Audit
from tests.support.gateway import DEVICES, NOW
from tests.support.jobs import job

anything = st.text(st.characters(codec=None, exclude_categories=()), max_size=300)
WRITES = {
    "pauses": lambda work, text: work.catalogue.pause("braket", text, NOW, None),
    "orphans": lambda work, text: work.orphans.note("braket", "one", text[:200], NOW),
    "spoiled": lambda work, text: work.spoiled.note("here", text, text, NOW),
    "audit": lambda work, text: work.acted({"act": text}, NOW),
    "snapshots": lambda work, text: work.archive.keep_snapshots([("s", Pieces(own=(text, text), shared=(text,)))]),
    "decisions": lambda work, text: work.archive.keep_decisions([("d", "s", text)]),
    "devices": lambda work, text: work.catalogue.put_devices("local", "rerun", [replace(DEVICES[0], notes=text)], NOW),
}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=anything, body=anything)
def test_a5_every_table_takes_every_text(store, text, body):
    for write in WRITES.values():
        with store.write() as work:
            write(work, text)
    odd = job(name=storable(text)[:200], error=text, error_code=text)
    with store.write() as work:
        work.connection.execute(tables.results.delete())
        work.connection.execute(tables.jobs.delete())
        work.jobs.add([odd])
        sealed = seal({"raw": body})
        work.archive.keep_results([(odd.id, sealed[1], sealed[0])], NOW)
    with store.read() as work:
        assert work.jobs.get(odd.id).error == storable(text)
        assert work.catalogue.pauses(NOW)["braket"] == storable(text)
        assert seal({"raw": body}) == tuple(reversed(work.archive.result(odd.id)))
        assert Audit(work.connection).broken_at() is None


def test_a5_a_device_that_cannot_be_stored_hides_no_other(store):
    bad = replace(DEVICES[1], name="braket/" + "x" * 300)
    with store.write() as work:
        work.catalogue.put_devices("braket", "token", [bad, DEVICES[1]], NOW)
    with store.read() as work:
        assert [device.name for device in work.catalogue.devices()] == [DEVICES[1].name]
        assert work.spoiled.counts() == {"catalogue": 1}


def test_a5_rows_that_cannot_be_read_are_put_off_and_the_others_claimed(both):
    first, second = (both.job("ada", device="braket/garnet")["id"] for _ in range(2))
    both.backends["braket"].word = Snapshot(phase=Phase.QUEUED, word="QUEUED")
    with both.store.write() as work:
        work.connection.execute(update(tables.jobs).where(tables.jobs.c.id == first).values(tags="{"))
    both.drive(ticks=1)
    assert both.see(second)["state"] == "submitted"
    listed = both.call("ada", "GET", "/v1/jobs").json()["jobs"]
    assert [each["id"] for each in listed] == [second]
    with both.store.read() as work:
        due = work.connection.execute(select(tables.jobs.c.due_at).where(tables.jobs.c.id == first)).scalar_one()
    assert due > NOW.timestamp() * 1_000_000


def test_a5_a_device_row_that_cannot_be_read_hides_no_other(both):
    with both.store.write() as work:
        work.connection.execute(update(tables.devices).where(tables.devices.c.name == "pasqal/gates").values(body="["))
    with both.store.read() as work:
        assert {device.name for device in work.catalogue.devices()} == {"local/aer", "braket/garnet"}
