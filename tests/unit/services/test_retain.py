"""Does what has had its time go, and nothing else, and does everybody learn under which rule?"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select

from broker.domain.program import Format, Program
from broker.domain.retention import Stored, Subject
from broker.services import retain
from broker.services.count import count
from broker.services.invariants import verify
from broker.services.retain import carry_out, forecast
from broker.services.seed import seed_id
from broker.store import tables
from tests.support.gateway import BELL, PATHS

DAY = 24 * 3600
HUB = seed_id("hub", "daejeon")
PROJECT = seed_id("project", *PATHS["ada"])
SOURCE = tables.programs.c.source


def rule(world, hub=HUB, **days):
    with world.store.write() as work:
        work.retention.put_rules(hub, {Stored(kind): value for kind, value in days.items()})


def ended(world, who="ada", **fields):
    """A job that has succeeded."""
    job = world.job(who, **fields)["id"]
    world.drive(ticks=4)
    assert world.see(job, who)["state"] == "succeeded"
    return job


def rows(world, *columns, **where):
    with world.store.read() as work:
        query = select(*columns)
        for name, value in where.items():
            query = query.where(columns[0].table.c[name] == value)
        return [tuple(row) for row in work.connection.execute(query)]


def total(world, table):
    return rows(world, func.count(table.primary_key.columns[0]))[0][0]


def later(world, days):
    world.clock.forward(days * DAY)
    count(world.store, world.clock())


def carried_out(world):
    return {(each.rule.kind.value): (each.jobs, each.held) for each in carry_out(world.store, world.clock())}


def untouched(world):
    """What no rule may touch."""
    return [rows(world, table) for table in (tables.jobs, tables.entries, tables.budgets, tables.attempts)]


def ask(world, job, what, who="ada"):
    answer = world.call(who, "GET", f"/v1/jobs/{job}/{what}")
    return answer.status_code, answer.json()


def test_without_a_rule_everything_is_kept(both):
    job = ended(both)
    later(both, 5000)
    assert forecast(both.store, both.clock()) == carry_out(both.store, both.clock()) == []
    assert ask(both, job, "result")[0] == 200


def test_a_result_goes_after_its_time_and_its_hash_stays(both):
    job = ended(both)
    rule(both, results=30)
    later(both, 29)
    assert carried_out(both) == {"results": (0, 0)}
    status, result = ask(both, job, "result")
    assert status == 200
    before = untouched(both)
    later(both, 2)
    assert carried_out(both) == {"results": (1, 0)}
    status, problem = ask(both, job, "result")
    assert (status, problem["code"], problem["pointer"]) == (410, "removed", "/result")
    assert problem["rule"] == "hub daejeon keeps results for 30 days after a job's end"
    assert problem["removed_at"] == both.clock().isoformat(timespec="seconds")
    assert rows(both, tables.results.c.sha256, tables.results.c.body) == [(result["sha256"], "")]
    assert untouched(both) == before
    assert both.see(job)["state"] == "succeeded"
    assert all(each.holds for each in verify(both.store, both.clock()))


def test_a_dry_run_tells_the_same_and_changes_nothing(both):
    job = ended(both)
    rule(both, results=1, programs=2, decisions=3, events=4000)
    later(both, 10)
    told = {each.rule.kind.value: (each.jobs, each.held) for each in forecast(both.store, both.clock())}
    assert told == {"decisions": (1, 0), "events": (0, 0), "programs": (1, 0), "results": (1, 0)}
    assert ask(both, job, "result")[0] == ask(both, job, "decision")[0] == 200
    assert total(both, tables.removals) == 0
    assert carried_out(both) == told
    assert carried_out(both) == dict.fromkeys(told, (0, 0))


def test_a_program_goes_with_the_last_job_that_must_keep_it(both):
    rule(both, programs=10)
    ended(both, "ada")
    ended(both, "sua")  # another hub, which keeps everything
    later(both, 11)
    assert carried_out(both) == {"programs": (1, 0)}
    assert rows(both, SOURCE) == [(BELL,)]
    rule(both, seed_id("hub", "seoul"), programs=10)
    carried_out(both)
    assert rows(both, SOURCE, tables.programs.c.removed_at.is_(None)) == [("", False)]


def test_a_live_job_keeps_its_program_however_old_it_is(both):
    rule(both, programs=1)
    ended(both)
    waiting = both.job("bob", device="braket/garnet")["id"]
    later(both, 400)
    carried_out(both)
    assert rows(both, SOURCE) == [(BELL,)]
    both.drive(ticks=4)
    assert both.see(waiting, "bob")["state"] == "succeeded"


def test_a_program_that_was_removed_comes_back_with_the_next_job(both):
    rule(both, programs=1)
    ended(both)
    later(both, 3)
    carried_out(both)
    assert rows(both, SOURCE) == [("",)]
    again = ended(both)
    assert rows(both, SOURCE, tables.programs.c.removed_at.is_(None)) == [(BELL, True)]
    assert ask(both, again, "result")[0] == 200
    later(both, 3)
    assert carried_out(both) == {"programs": (1, 0)}
    assert rows(both, SOURCE) == [("",)]


def test_the_decision_and_its_snapshot_go_when_no_job_needs_them(both):
    one, other = both.job("ada")["id"], both.job("bob")["id"]  # the same question on one snapshot
    both.drive(ticks=4)
    assert total(both, tables.decisions) == total(both, tables.cut_snapshots) == 1
    rule(both, decisions=1)
    with both.store.write() as work:
        work.retention.hold(Subject.JOB, other, "a court asks", both.clock())
    later(both, 3)
    assert carried_out(both) == {"decisions": (1, 1)}
    assert total(both, tables.decisions) == 1
    assert ask(both, other, "decision", "bob")[0] == 200
    with both.store.write() as work:
        assert work.retention.lift(Subject.JOB, other)
    assert carried_out(both) == {"decisions": (1, 0)}
    assert total(both, tables.decisions) == total(both, tables.cut_snapshots) == 0
    status, problem = ask(both, one, "decision")
    assert (status, problem["pointer"]) == (410, "/decision")


def test_moves_between_the_first_and_the_last_go_once_they_are_counted(both):
    job = ended(both)
    total_s = both.see(job)["latency"]["total_s"]
    rule(both, events=1)
    both.clock.forward(3 * DAY)
    assert carried_out(both) == {"events": (0, 0)}  # not counted yet
    count(both.store, both.clock())
    assert carried_out(both) == {"events": (1, 0)}
    view = both.see(job)
    assert [move["state"] for move in view["timeline"]] == ["accepted", "succeeded"]
    assert view["latency"] == dict.fromkeys(view["latency"]) | {"total_s": total_s}
    assert all(each.holds for each in verify(both.store, both.clock()))


def test_a_legal_hold_on_a_project_keeps_all_of_its_jobs_and_no_others(both):
    mine, other = ended(both, "ada"), ended(both, "dan")
    rule(both, results=1)
    with both.store.write() as work:
        work.retention.hold(Subject.PROJECT, PROJECT, "a court asks", both.clock())
    later(both, 5)
    assert carried_out(both) == {"results": (1, 1)}
    assert ask(both, mine, "result")[0] == 200
    assert ask(both, other, "result", "dan")[0] == 410


def test_a_hold_that_comes_while_a_round_runs_is_respected(both, monkeypatch):
    job = ended(both)
    rule(both, results=1)
    later(both, 5)
    real = retain._going

    def held_meanwhile(work, which, batch):
        found = real(work, which, batch)
        with both.store.write() as other:
            other.retention.hold(Subject.JOB, job, "just now", both.clock())
        return found

    monkeypatch.setattr(retain, "_going", held_meanwhile)
    assert carried_out(both)["results"][0] == 0
    assert ask(both, job, "result")[0] == 200


def test_many_jobs_go_in_batches_and_what_is_left_over_goes_next_time(gateway, monkeypatch):
    jobs = [gateway.job("ada")["id"] for _ in range(25)]
    gateway.drive(ticks=4)
    monkeypatch.setattr(retain, "LOOKED", 10)
    monkeypatch.setattr(retain, "BATCH", 4)
    rule(gateway, results=1)
    later(gateway, 5)
    went = [each.jobs for _ in range(4) for each in carry_out(gateway.store, gateway.clock(), most=9)]
    assert went == [10, 10, 5, 0]
    assert {body for (body,) in rows(gateway, tables.results.c.body)} == {""}
    acts = " ".join(body for (body,) in rows(gateway, tables.audit.c.body))
    assert acts.count('"act":"retain"') == 3 + 3 + 2
    assert rows(gateway, tables.retention.c.removed, tables.retention.c.done) == [(len(jobs), max(jobs))]


def test_seeds_say_what_is_kept_and_a_line_taken_out_ends_its_rule(both):
    rule(both, results=30, programs=10)
    rule(both, results=40)
    with both.store.read() as work:
        assert [(each.kind.value, each.days) for each, _ in work.retention.rules()] == [("results", 40)]


def test_the_metrics_count_what_was_removed(both):
    ended(both)
    rule(both, results=1)
    later(both, 3)
    carried_out(both)
    text = both.room.metrics.expose(both.store, both.clock()).decode()
    assert 'qsubmit_retention_removed_jobs_total{hub="daejeon",kind="results"} 1.0' in text


def test_a_gateway_forgets_what_it_has_stored_before_retention_may_take_it(both):
    """A memory that outlived the row would admit a job without a program."""
    program = Program.of(Format.OPENQASM2, BELL)
    ended(both)
    with both.store.write() as work:
        work.connection.execute(tables.programs.update().values(source="", removed_at=1))
    both.clock.forward(timedelta(minutes=61).total_seconds())
    ended(both)
    assert rows(both, tables.programs.c.sha256, SOURCE) == [(program.sha256, BELL)]
