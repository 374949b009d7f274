"""Are commits durable, and are writers serialised?"""

from __future__ import annotations

import sqlite3
import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from broker.store.engine import WRITE, open_engine
from tests.support.databases import opened

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
LENGTH = timedelta(seconds=30)


def pragma(store, name):
    with store.read() as work:
        return work.connection.exec_driver_sql(f"PRAGMA {name}").scalar()


@pytest.mark.parametrize(("name", "value"), [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)])
def test_sqlite_is_opened_for_durable_concurrent_use(file_store, name, value):
    assert pragma(file_store, name) == value


def test_an_sqlite_write_takes_the_lock_at_its_start(file_store, sqlite_url):
    path = sqlite_url.removeprefix("sqlite:///")
    other = sqlite3.connect(path, timeout=0, isolation_level=None)
    with file_store.write(), pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("BEGIN IMMEDIATE")
    other.close()


def test_an_sqlite_reader_is_not_kept_out_by_a_writer(file_store):
    with file_store.write() as writer:
        writer.leases.take("loop", "a", NOW, LENGTH)
        with file_store.read() as reader:
            assert reader.leases.successes() == {}


def test_a_reader_sees_one_moment(store):
    with store.read() as reader:
        before = reader.connection.execute(text("SELECT count(*) FROM leases")).scalar()
        with store.write() as writer:
            writer.leases.take("loop", "a", NOW, LENGTH)
        assert reader.connection.execute(text("SELECT count(*) FROM leases")).scalar() == before


def test_an_exception_leaves_nothing(store, bell):
    def fail():
        with store.write() as work:
            work.leases.take("loop", "a", NOW, LENGTH)
            work.ring("local")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with store.read() as work:
        assert work.connection.execute(text("SELECT count(*) FROM leases")).scalar() == 0
    assert bell.rung == []


def test_bells_ring_once_after_the_commit(store, bell):
    with store.write() as work:
        work.ring("local", "a")
        work.ring("local", "a")
        assert bell.rung == []
    assert bell.rung == [("local", "a")]


def test_postgres_commits_wait_for_the_log(postgres_url):
    with opened(postgres_url) as store, store.write() as work:
        assert work.connection.execute(text("SHOW synchronous_commit")).scalar() == "on"


def test_read_then_write_loses_no_update(store):
    def count() -> None:
        for _ in range(20):
            with store.write() as work:
                assert work.leases.take("loop", "same", NOW, LENGTH) is not None

    threads = [threading.Thread(target=count) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    with store.write() as work:
        assert work.leases.take("loop", "same", NOW, LENGTH) == 81


def test_a_write_engine_shares_the_pool_of_its_reader(sqlite_url):
    engine = open_engine(sqlite_url)
    assert engine.execution_options(**{WRITE: True}).pool is engine.pool
    engine.dispose()


def test_a_broken_url_says_so_at_first_use(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path}/absent/x.db")
    with pytest.raises(OperationalError):
        engine.connect()
