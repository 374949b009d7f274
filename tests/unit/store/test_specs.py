"""Is each version of a device's specifications stored once, and does its row name the present one?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from broker.domain.errors import NotFound
from broker.reads.specs import present
from broker.store import specs as rows
from broker.store import tables
from tests.support.routing_world import GATE, qpu

AT = datetime(2026, 11, 20, 9, tzinfo=UTC)
GARNET, OTHER = "braket/garnet", "braket/other"


@pytest.fixture
def known(store):
    see(store, AT)
    return store


def see(store, at, names=(GARNET, OTHER)):
    with store.write() as work:
        work.catalogue.put_devices("braket", "token", [qpu(name, GATE, width=20) for name in names], at)


def put(store, *versions, device=GARNET):
    for number, sha256 in enumerate(versions):
        with store.write() as work:
            work.specs.put(device, sha256, f'{{"is":"{sha256}"}}', AT + timedelta(seconds=number))


def stored(store):
    with store.read() as work:
        return set(work.connection.execute(select(tables.specs.c.sha256)).scalars())


def test_a_device_has_the_version_that_was_put_last(known):
    put(known, "a", "b", "a")
    assert present(known, GARNET).body == '{"is":"a"}'
    assert stored(known) == {"a", "b"}
    with known.read() as work:
        assert work.specs.versions("braket") == {GARNET: "a", OTHER: None}
        assert work.specs.versions("pasqal") == {}


def test_a_look_at_the_catalogue_leaves_the_version_as_it_is(known):
    put(known, "a")
    see(known, AT + timedelta(minutes=1))
    assert present(known, GARNET).sha256 == "a"


def test_a_reader_who_knows_the_version_is_not_sent_its_text(known):
    put(known, "a")
    assert present(known, GARNET, known='W/"x", "a"').body is None
    assert present(known, GARNET, known='"b"').body == '{"is":"a"}'


@pytest.mark.parametrize(("name", "said"), [(OTHER, "no specifications of"), ("nowhere/x", "there is no device")])
def test_what_nobody_has_said_is_not_found(known, name, said):
    with pytest.raises(NotFound, match=f"{said} {name}|{said}"):
        present(known, name)


def test_of_a_device_that_changes_all_the_time_the_newest_versions_are_kept(known, monkeypatch):
    monkeypatch.setattr(rows, "VERSIONS", 3)
    put(known, "other", device=OTHER)
    put(known, *"abcdef")
    assert stored(known) == {"d", "e", "f", "other"}
    put(known, "d")  # put back by a vendor: the oldest, and at once the newest
    assert present(known, GARNET).sha256 == "d"
    with known.read() as work:
        assert work.connection.execute(select(func.count()).select_from(tables.specs)).scalar_one() == 4
