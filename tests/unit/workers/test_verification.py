"""Does a worker look at the invariants now and then, without holding up its scan?"""

import logging
import threading
from datetime import timedelta

import pytest

from broker.clock import steady
from broker.settings import Settings
from tests.support.books import day
from workers import verify
from workers.compose import Hands
from workers.rounds import rounds_of


@pytest.fixture
def books(tmp_path):
    with day(tmp_path) as made:
        made.work()
        yield made


def test_what_is_found_is_in_the_store_when_it_is_done(books):
    verification = verify.Verification(books.store)
    verification.begin(books.clock())
    verification.wait()
    with books.store.read() as work:
        assert all(found.holds and found.checked_at == books.clock() for found in work.findings.latest())


def test_a_broken_invariant_is_logged_with_its_sample(books, caplog):
    with books.store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE audit SET body = '[]' WHERE seq = 1")
    verification = verify.Verification(books.store)
    with caplog.at_level(logging.CRITICAL):
        verification.begin(books.clock())
        verification.wait()
    [record] = caplog.records
    assert (record.invariant, record.violations, record.sample) == ("12", 1, ("1",))


def test_a_failing_verification_is_logged_and_leaves_the_last_findings(books, caplog, monkeypatch):
    monkeypatch.setattr(verify, "verify_and_keep", lambda *_: 1 / 0)
    verification = verify.Verification(books.store)
    verification.begin(books.clock())
    verification.wait()
    assert "verification failed" in caplog.text


def test_a_second_one_does_not_begin_beside_the_first(books, monkeypatch):
    begun, go_on = [], threading.Event()

    def slow(_store, at):
        begun.append(at)
        go_on.wait(10)
        return []

    monkeypatch.setattr(verify, "verify_and_keep", slow)
    verification = verify.Verification(books.store)
    verification.begin(books.clock())
    verification.begin(books.clock())
    go_on.set()
    verification.wait()
    assert len(begun) == 1


def test_it_is_a_round_like_the_others_with_its_own_pace(books):
    settings = Settings(verify_s=120)
    hands = Hands(
        settings=settings, store=books.store, backends={}, driver=books.driver, owner="a test", clock=steady()
    )
    [round_] = [each for each in rounds_of(hands) if each.name == "verify"]
    assert round_.every == timedelta(minutes=2)
