"""Is what is written once kept as it was?"""

from __future__ import annotations

from datetime import UTC, datetime

from broker.domain.pieces import Pieces
from broker.domain.program import Format, Program
from tests.support.jobs import job

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
BELL = Program.of(Format.OPENQASM2, "OPENQASM 2.0;\n// 한글 \U0001f408\n")


def test_a_program_comes_back_with_its_requirement(store):
    with store.write() as work:
        work.archive.keep_programs([(BELL, "{}"), (BELL, "{}")])
    with store.read() as work:
        assert work.archive.programs([BELL.sha256, "absent"]) == {BELL.sha256: (BELL, "{}")}


def test_keeping_again_changes_nothing(store):
    for text in ("first", "second"):
        with store.write() as work:
            work.archive.keep_programs([(BELL, text)])
            work.archive.keep_snapshots([("s", Pieces.cut(text, ["s"]))])
            work.archive.keep_decisions([("d", "s", text)])
    with store.read() as work:
        assert work.archive.programs([BELL.sha256])[BELL.sha256][1] == "first"
        assert work.archive.decision("d") == ("first", "first")


def test_a_decision_needs_its_snapshot(store):
    with store.write() as work:
        work.archive.keep_decisions([("d", "gone", "body")])
    with store.read() as work:
        assert work.archive.decision("d") is None


def test_a_result_is_kept_once_per_job(store):
    with store.write() as work:
        work.jobs.add([job(id="a"), job(id="b")])
    for body in ("first", "second"):
        with store.write() as work:
            work.archive.keep_results([("a", "hash", body)], NOW)
    with store.read() as work:
        assert work.archive.result("a") == ("hash", "first")
        assert work.archive.result("b") is None


def test_nothing_to_keep_is_nothing_done(store):
    with store.write() as work:
        work.archive.keep_programs([])
        work.archive.keep_decisions([])
        work.archive.keep_snapshots([])
        work.archive.keep_results([], NOW)
