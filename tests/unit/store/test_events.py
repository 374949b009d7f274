"""Is the order of event numbers the order of commits, so that a reader never passes one over?"""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime

import pytest

from broker.domain.lifecycle import JobEvent, JobState
from tests.support.databases import opened
from tests.support.jobs import job

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)


def move(owner, after=JobState.QUEUED, before=None, reason="because"):
    return JobEvent(job_id=owner.id, before=before, after=after, at=NOW, reason=reason)


def happen(store, *owners):
    with store.write() as work:
        work.jobs.add([each for each in owners if work.jobs.get(each.id) is None])
        for each in owners:
            work.moved(each, move(each))


def stream(store, seq=0, limit=100, **only):
    with store.read() as work:
        return work.events.after(seq, limit, **only)


def test_moves_are_written_at_the_end_in_order(store):
    first = job(id="a")
    with store.write() as work:
        work.jobs.add([first])
        work.moved(first, move(first, JobState.ACCEPTED), move(first, JobState.QUEUED, JobState.ACCEPTED))
        assert work.events.after(0, 10) == []
    found = stream(store)
    assert [(each.before, each.after) for each in found] == [(None, "accepted"), ("accepted", "queued")]
    assert [each.at for each in found] == [NOW, NOW]
    assert found[0].seq < found[1].seq == found[-1].seq


def test_the_stream_goes_on_after_a_position(store):
    happen(store, *(job(id=f"job-{n}") for n in range(5)))
    whole = stream(store)
    assert stream(store, whole[1].seq, 2) == whole[2:4]
    with store.read() as work:
        assert work.events.last() == whole[-1].seq


def test_an_empty_stream_begins_at_zero(store):
    with store.read() as work:
        assert work.events.last() == 0


@pytest.mark.parametrize(
    ("only", "ids"),
    [
        ({"organisation": "org-1"}, ["a", "b"]),
        ({"organisation": "org-1", "project": "p-2"}, ["b"]),
        ({"job": "c"}, ["c"]),
        ({"organisation": "org-1", "job": "c"}, []),
    ],
)
def test_the_stream_can_be_one_tenants(store, only, ids):
    happen(
        store, job(id="a", project="p-1"), job(id="b", project="p-2"), job(id="c", organisation="org-2", project="p-3")
    )
    assert [each.job for each in stream(store, **only)] == ids


def test_a_reader_that_follows_misses_nothing_under_concurrent_writers(store, database_url):
    writers, each_writes, seen, done = 4, 25, [], threading.Event()

    def write(number: int) -> None:
        with opened(database_url) as mine:
            for count in range(each_writes):
                happen(mine, job(id=f"job-{number}-{count}"), job(id=f"job-{number}-{count}-b"))

    def follow() -> None:
        with opened(database_url) as mine:
            seq = 0
            while True:
                over = done.is_set()
                page = stream(mine, seq)
                seen.extend(event.seq for event in page)
                seq = page[-1].seq if page else seq
                if over and not page:
                    return

    reader = threading.Thread(target=follow)
    threads = [threading.Thread(target=write, args=(n,)) for n in range(writers)]
    for thread in (reader, *threads):
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    reader.join()
    assert len(seen) == len(set(seen)) == 2 * writers * each_writes
    assert seen == sorted(seen)


def test_a_number_is_given_only_when_nobody_else_is_about_to_commit(postgres_url):
    with opened(postgres_url) as slow, opened(postgres_url) as quick:
        started, order = threading.Event(), []

        def hold() -> None:
            with slow.write() as work:
                work.events.append([(job(id="slow"), move(job(id="slow")))])
                started.set()
                time.sleep(0.2)
                order.append("slow")

        thread = threading.Thread(target=hold)
        thread.start()
        started.wait()
        happen(quick, job(id="quick"))
        order.append("quick")
        thread.join()
        assert order == ["slow", "quick"]
        assert [event.job for event in stream(quick)] == ["slow", "quick"]
