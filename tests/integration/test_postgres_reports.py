"""Do metrics, checks and series, which are mostly SQL, say the same on PostgreSQL as on SQLite?"""

from datetime import timedelta

import pytest
from sqlalchemy import text

from broker.metrics import Metrics
from broker.reads.remarks import KINDS, remarks
from broker.reads.series import TARGETS, Span, series
from broker.services.invariants import verify
from tests.support.books import AT, Day, day
from workers import servers

STEP = timedelta(seconds=10)


@pytest.fixture(scope="module")
def postgres(tmp_path_factory):
    server, url = servers.postgres(tmp_path_factory.mktemp("postgres"))
    yield url
    server.end()


@pytest.fixture(scope="module")
def both(postgres, tmp_path_factory):
    """The same day, twice."""
    with day(tmp_path_factory.mktemp("sqlite")) as small:
        large = Day(postgres)
        for each in (small, large):
            each.work()
            each.submit(key="again")
        yield small, large
        large.store.engine.dispose()


def shown(books):
    lines = Metrics().expose(books.store, books.clock()).decode().splitlines()
    of_this_moment = ("_created", "qsubmit_clock_ahead_seconds")
    return sorted(line for line in lines if line.startswith("qsubmit_") and not any(n in line for n in of_this_moment))


def test_the_metrics_are_the_same(both):
    small, large = both
    assert shown(small) == shown(large)
    assert "qsubmit_store_up 1.0" in shown(large)


def test_every_invariant_is_checked_and_holds(both):
    small, large = both
    assert verify(small.store, small.clock()) == verify(large.store, large.clock())
    assert all(found.holds for found in verify(large.store, large.clock()))


@pytest.mark.parametrize("target", TARGETS)
def test_the_series_are_the_same(both, target):
    small, large = (
        series(each.store, each.member().hub, target, Span.of(AT, AT + timedelta(hours=1), step=STEP, most=500))
        for each in both
    )
    assert small == large
    assert any(each.points for each in small)


def test_the_remarks_are_the_same(both):
    span = Span.of(AT, AT + timedelta(hours=1), step=STEP, most=500)
    small, large = (remarks(each.store, each.member().hub, tuple(KINDS), span) for each in both)
    assert small == large


def test_a_spoilt_row_is_found_there_too(both):
    _, large = both
    with large.store.engine.begin() as connection:
        connection.execute(text("UPDATE audit SET body = '[]' WHERE seq = 1"))
        connection.execute(text("UPDATE jobs SET held = held + 1 WHERE state = 'succeeded'"))
    broken = {found.invariant for found in verify(large.store, large.clock()) if not found.holds}
    assert broken == {"6", "7", "12"}
