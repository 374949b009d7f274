"""Does every check find the row that was spoilt for it, and nothing in a sound store?"""

import pytest

from broker.services.invariants import CHECKS, MEANING, verify, verify_and_keep
from tests.support.books import day


@pytest.fixture
def books(tmp_path):
    """Three jobs with their bills, one that lives, and one that was cancelled."""
    with day(tmp_path) as made:
        made.work()
        made.submit(key="again")
        yield made


def spoil(books, *statements):
    """Write past the service and past the database's own walls."""
    connection = books.store.engine.raw_connection()
    for pragma in ("ignore_check_constraints=ON", "foreign_keys=OFF"):
        connection.execute(f"PRAGMA {pragma}")
    for statement in statements:
        assert connection.execute(statement).rowcount != 0, statement
    connection.detach()  # nobody else gets a connection without walls
    connection.close()


def broken(books):
    return {found.invariant: found for found in verify(books.store, books.clock()) if not found.holds}


ENDED = "(SELECT min(id) FROM jobs WHERE state = 'succeeded')"
LIVE = "(SELECT min(id) FROM jobs WHERE state = 'queued')"
EVENT = "job_id, organisation_id, backend, before, after, at, reason"
TWIN = (
    "'twin', job_id, number + 1, device, backend, 'twin', intent_at, fence, 'task-x', word, queue_position, ended, "
    "detail, absences, absent_at, unwanted_at, usage, host"
)
WITHOUT_WALLS = ("CREATE TABLE bare AS SELECT * FROM jobs", "DROP TABLE jobs", "ALTER TABLE bare RENAME TO jobs")
SPOILT = {
    "a job is gone": ("1", f"DELETE FROM jobs WHERE id = {LIVE}"),
    "a job was never accepted": ("1", f"DELETE FROM events WHERE job_id = {LIVE} AND before IS NULL"),
    "a job was accepted twice": (
        "1",
        f"INSERT INTO events ({EVENT}) SELECT {EVENT} FROM events WHERE job_id = {LIVE} AND before IS NULL",
    ),
    "two attempts reached the vendor": (
        "3",
        f"INSERT INTO attempts SELECT {TWIN} FROM attempts WHERE job_id = {ENDED}",
    ),
    "one line of the journal is off": (
        "5", "UPDATE entries SET micros = micros + 1 WHERE seq = (SELECT min(seq) FROM entries WHERE kind = 'hold')"
    ),
    "a budget is overspent": ("6", "UPDATE budgets SET limit_micros = 1 WHERE id LIKE 'hub:%' AND spent > 0"),
    "a budget forgot a hold": ("6", "UPDATE budgets SET held = 0 WHERE id LIKE 'hub:%' AND held > 0"),
    "a budget forgot a charge": ("6", "UPDATE budgets SET spent = spent - 1 WHERE id LIKE 'member:%' AND spent > 0"),
    "an ended job still holds": ("7", f"UPDATE jobs SET held = 1 WHERE id = {ENDED}"),
    "an ended job is due": ("7", f"UPDATE jobs SET due_at = 1 WHERE id = {ENDED}"),
    "a live job is never due": ("7", f"UPDATE jobs SET due_at = NULL WHERE id = {LIVE}"),
    "the journal lost a hold": ("7", f"DELETE FROM entries WHERE job_id = {LIVE}"),
    "an unlisted move": ("8", f"UPDATE events SET after = 'running' WHERE job_id = {LIVE} AND after = 'queued'"),
    "a move is missing": ("8", f"DELETE FROM events WHERE job_id = {ENDED} AND after = 'submitted'"),
    "a state without a move": ("8", f"UPDATE jobs SET state = 'accepted' WHERE id = {LIVE}"),
    "a result was changed": ("10", f"UPDATE results SET body = '{{}}' WHERE job_id = {ENDED}"),
    "a result is gone": ("10", f"DELETE FROM results WHERE job_id = {ENDED}"),
    "a result of a job that has none": (
        "10", f"UPDATE results SET job_id = {LIVE} WHERE job_id = {ENDED}",
    ),
    "an audit row was changed": ("12", "UPDATE audit SET body = '[]' WHERE seq = 1"),
    "an audit row is gone": ("12", "DELETE FROM audit WHERE seq = 2"),
    "the vendor is owed more than was charged": (
        "13",
        f"UPDATE entries SET micros = micros - 1000 WHERE account = 'vendor:braket:payable' AND job_id = {ENDED}",
    ),
    "the member was charged otherwise": ("13", f"UPDATE jobs SET charged = charged + 1 WHERE id = {ENDED}"),
    "a vendor's job is an orphan's and a member's": (
        "13",
        "INSERT INTO orphans SELECT backend, remote_id, device, 1, NULL, NULL FROM attempts WHERE remote_id IS NOT NULL"
    ),
    "an orphan's loss was not booked": (
        "13", "INSERT INTO orphans VALUES ('braket', 'task-y', NULL, 1, 'USD', 300000)"
    ),
}  # fmt: skip


def test_a_sound_store_holds_every_promise(books):
    assert broken(books) == {}
    assert {found.invariant for found in verify(books.store, books.clock())} == set(CHECKS) == set(MEANING)


@pytest.mark.parametrize("name", SPOILT)
def test_a_spoilt_row_is_found(books, name):
    invariant, *statements = SPOILT[name]
    spoil(books, *statements)
    found = broken(books)
    assert invariant in found
    assert found[invariant].violations >= 1
    assert found[invariant].sample


def test_two_jobs_under_one_key_are_found(books):
    twin = f"INSERT INTO jobs SELECT * FROM jobs WHERE id = {LIVE}"
    spoil(books, *WITHOUT_WALLS, twin, "UPDATE jobs SET id = 'twin' WHERE rowid = (SELECT max(rowid) FROM jobs)")
    assert "1" in broken(books)


def test_a_vendor_that_runs_again_for_free_may_have_several_attempts(books):
    invariant, statement = SPOILT["two attempts reached the vendor"]
    spoil(books, statement, "UPDATE devices SET recovery = 'rerun'")
    assert invariant not in broken(books)


def test_the_sample_is_short_and_the_count_is_whole(books):
    books.work(jobs=9)
    spoil(books, "UPDATE jobs SET held = 1 WHERE state = 'succeeded'")
    found = broken(books)["7"]
    assert found.violations == 26  # thirteen jobs, each seen in the row and in the journal
    assert len(found.sample) == 5


def test_what_was_found_is_kept_until_the_next_time(books):
    spoil(books, "UPDATE audit SET body = '[]' WHERE seq = 1")
    verify_and_keep(books.store, books.clock())
    books.clock.pass_(hours=1)
    kept = verify_and_keep(books.store, books.clock())
    with books.store.read() as work:
        assert sorted(work.findings.latest(), key=lambda f: f.invariant) == sorted(kept, key=lambda f: f.invariant)
