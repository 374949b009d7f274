"""Can an operator see what would go, keep it, and let it go?"""

from __future__ import annotations

import pytest

from broker.domain.retention import Stored
from broker.settings import Settings
from tests.support.books import day
from workers import retention
from workers.compose import Hands
from workers.rounds import rounds_of


@pytest.fixture
def books(tmp_path, monkeypatch):
    with day(tmp_path) as made:
        made.job, *_ = made.work(jobs=2)
        monkeypatch.setenv("QSUBMIT_DATABASE_URL", made.store.engine.url.render_as_string(hide_password=False))
        made.hub = made.member().hub
        yield made


def aged(books):
    """Everything is older than its rule."""
    with books.store.write() as work:
        work.retention.put_rules(books.hub, {Stored.RESULTS: 30})
        for name in ("created_at", "updated_at"):
            work.connection.exec_driver_sql(f"UPDATE jobs SET {name} = {name} - {90 * 86400 * 1_000_000}")


def told(capsys, *arguments):
    code = retention.main(arguments)
    return code, capsys.readouterr()


def test_without_rules_that_is_what_it_says(books, capsys):
    assert told(capsys, "dry-run") == (0, ("no hub has a rule: everything is kept\n", ""))


def test_a_dry_run_a_hold_and_a_run(books, capsys):
    aged(books)
    words = "hub daejeon keeps results for 30 days after a job's end"
    assert told(capsys, "dry-run")[1].out == f"{words}: of 2 jobs they would go, 0 more are on legal hold\n"
    assert told(capsys, "hold", "job", books.job, "--reason", "a court asks")[0] == 0
    assert told(capsys, "dry-run")[1].out == f"{words}: of 1 jobs they would go, 1 more are on legal hold\n"
    assert told(capsys, "run")[1].out == f"{words}: of 1 jobs they went, 1 more are on legal hold\n"
    assert f"job {books.job} since" in told(capsys, "holds")[1].out
    assert told(capsys, "lift", "job", books.job, "--reason", "it is over")[0] == 0
    assert told(capsys, "holds")[1].out == ""
    assert told(capsys, "run")[1].out == f"{words}: of 1 jobs they went, 0 more are on legal hold\n"
    with books.store.read() as work:
        acts = " ".join(work.connection.exec_driver_sql("SELECT body FROM audit").scalars())
        assert work.audit.broken_at() is None
    assert '"legal_hold"' in acts
    assert '"reason":"it is over"' in acts


@pytest.mark.parametrize("verb", ["hold", "lift"])
def test_what_is_not_there_is_told(books, capsys, verb):
    code, told_ = told(capsys, verb, "project", "nowhere", "--reason", "x")
    assert code == 7
    assert "nowhere" in told_.err


def test_a_scanner_carries_the_rules_out_and_counts(books):
    aged(books)
    hands = Hands(
        settings=Settings(), store=books.store, backends={}, driver=books.driver, owner="a test", clock=books.clock
    )
    rounds = {each.name: each for each in rounds_of(hands)}
    rounds["retention"].run(books.clock())
    rounds["count"].run(books.clock())
    with books.store.read() as work:
        assert work.retention.counts() == {("daejeon", "results"): 2}
        assert work.counts.stored()["move", "none", "accepted", "braket"] == 2
