"""Does output fit the terminal, and survive what it must show?"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios

import pytest

from qsubmit.cli import histogram, sheet, table, terminal, trouble, words
from qsubmit.errors import QsubmitError
from tests.unit.qsubmit.fake_shapes import result_document


def on_terminal(command, columns, **environ):
    """What a command writes to a real pseudo-terminal of that width."""
    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    settings = {**os.environ, "TERM": "xterm", "PYTHONIOENCODING": "utf-8", **environ}
    words = [sys.executable, "-m", "qsubmit", *command]
    process = subprocess.Popen(words, stdin=child, stdout=child, stderr=child, env=settings)
    os.close(child)
    shown = b""
    while True:
        try:
            piece = os.read(parent, 65536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    os.close(parent)
    process.wait(timeout=20)
    return shown.decode()


@pytest.mark.parametrize("columns", [80, 120])
def test_a_run_fits_a_real_terminal(broker, bell, columns):
    shown = on_terminal(["run", bell], columns, NO_COLOR="1")
    lines = shown.rpartition("\x1b[K")[2].replace("\r", "").split("\n")

    assert "█" in shown
    assert max(terminal.cells(line) for line in lines) <= columns


def test_tables_fit_a_real_terminal(broker):
    broker.add_job(name="a long name that goes on and on 한국어로 이어지는 아주 긴 이름", state="running")

    for command in (["jobs"], ["devices"]):
        for columns in (80, 120):
            shown = on_terminal(command, columns, NO_COLOR="1").replace("\r", "")
            assert max(terminal.cells(line) for line in shown.split("\n")) <= columns


def test_colour_on_a_terminal_unless_refused(broker):
    broker.add_job(state="succeeded")

    assert "\x1b[32msucceeded" in on_terminal(["jobs"], 100)
    assert "\x1b" not in on_terminal(["jobs"], 100, NO_COLOR="1")
    assert "\x1b" not in on_terminal(["jobs"], 100, TERM="dumb")


def test_a_histogram_is_sorted_cut_and_summed_up():
    counts = {format(i, "03b"): i + 1 for i in range(8)}

    lines = histogram.lines(counts, top=3, limit=60)

    assert [line.split()[0] for line in lines] == ["111", "110", "101", "…"]
    assert lines[-1] == "… and 5 more with 15 shots (41.7 %)"
    assert max(terminal.cells(line) for line in lines) <= 60


def test_equal_counts_stand_in_the_order_of_their_outcomes():
    assert [key for key, _ in histogram.ordered({"1": 5, "0": 5})] == ["0", "1"]


def test_long_outcomes_are_cut_in_the_middle():
    (line,) = histogram.lines({"01" * 60: 1}, top=3, limit=80)

    assert line.startswith("0101")
    assert "…" in line
    assert terminal.cells(line) <= 80


def test_nothing_measured_is_said():
    assert histogram.lines({}, top=3, limit=80) == ["no outcomes"]


def test_a_bar_is_never_empty_and_never_too_long():
    assert histogram.bar(1e-9, 10).strip() == "▏"
    assert histogram.bar(1.0, 10) == "█" * 10
    assert histogram.bar(0.0, 10) == " " * 10


COLUMNS = [table.Column("ID"), table.Column("NAME", least=4), table.Column("N", right=True, optional=1)]


def test_a_table_without_a_limit_is_not_cut():
    assert table.render(COLUMNS, [["1", "a" * 90, "5"]], limit=None)[1] == f"1   {'a' * 90}  5"


def test_a_table_gives_way_in_order():
    rows = [["1", "abcdefgh", "500"]]

    assert table.render(COLUMNS, rows, limit=14)[1] == "1   abcd…  500"
    assert table.render(COLUMNS, rows, limit=9)[1] == "1   abcd…"
    assert table.render(COLUMNS, rows, limit=8)[1] == "1   abc…"


def test_the_sandbox_mark_is_never_cut_off():
    assert table.render(COLUMNS[:2], [["1", "abcdefgh*"]], limit=9)[1] == "1   abc…*"


def test_korean_takes_two_columns():
    assert terminal.cells("실험") == 4
    assert terminal.pad("실험", 6) == "실험  "
    assert terminal.cut("실험", 3) == "실…"


def test_control_characters_are_shown_not_obeyed():
    assert terminal.clean("a\x1b[2Jb\nc\u202e") == "a\ufffd[2Jb c\ufffd"


def test_a_stream_without_unicode_gets_ascii(capsys, monkeypatch):
    monkeypatch.setattr(terminal, "unicode", lambda _: False)

    terminal.out("a · b → c … 한")

    assert capsys.readouterr().out.startswith("a - b -> c ...")
    assert histogram.bar(0.5, 4) == "##  "


SENTENCES = [
    ({}, "qsubmit: it broke (internal)"),
    ({"line": 3, "column": 5}, "qsubmit: it broke (internal; line 3, column 5)"),
    ({"pointer": "/shots", "hint": "less"}, "qsubmit: it broke (internal; at /shots; hint: less)"),
    ({"budget": "kaist", "retry_after": 3}, "qsubmit: it broke (internal; budget kaist; try again in 3 s)"),
]


@pytest.mark.parametrize(("problem", "expected"), SENTENCES)
def test_an_error_is_one_sentence(problem, expected):
    assert trouble.sentence(QsubmitError("it\n broke.", problem=problem)) == expected


def test_a_caret_stands_below_its_column_in_long_lines_too():
    source = "x" * 500 + "Y" + "z" * 500

    text, caret = trouble.excerpt(source, 1, 501)

    assert text[caret.index("^")] == "Y"
    assert trouble.excerpt(source, 7, 1) == []


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (None, "-"), (0.0071, "7 ms"), (1.24, "1.2 s"), (42, "42 s"), (59.7, "1 min 00 s"),
        (125, "2 min 05 s"), (7500, "2 h 05 min"), (273600, "3 d 4 h"),
    ],
)  # fmt: skip
def test_spans(seconds, expected):
    assert words.span(seconds) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"), [(None, "-"), (0, "0 s"), (0.2, "< 1 s"), (84, "84 s"), (130, "2 min"), (93600, "26 h")]
)
def test_brief_spans(seconds, expected):
    assert words.brief(seconds) == expected


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        ("12345.5", "KRW", "12,346 KRW"), ("0.3", "USD", "0.30 USD"), ("0.00145", "USD", "0.0014 USD"),
        ("0", "KRW", "0 KRW"), ("0.12", "KRW", "0.12 KRW"), (None, "EUR", "-"),
    ],
)  # fmt: skip
def test_amounts_do_not_vanish(amount, currency, expected):
    assert words.money(amount, currency) == expected


def test_a_picture_is_saved_for_one_point_a_line_and_multiples(broker, qsubmit, tmp_path):
    pytest.importorskip("matplotlib")
    name = broker.add_job(state="succeeded")
    job = broker.jobs[name]
    line = [{"bindings": {"t": i / 4}, "counts": {"0": 4 - i, "1": i}, "shots": 4} for i in range(5)]
    many = [{"bindings": {"t": i / 4, "u": 1.0}, "counts": {"0": 4, "1": i}, "shots": 4 + i} for i in range(20)]

    for points in (None, line, many):
        broker.results[name] = result_document(job, points=points)
        file = tmp_path / "x.png"
        assert qsubmit("result", name, "--plot", file).code == 0
        assert file.read_bytes().startswith(b"\x89PNG")
        file.unlink()


def test_plotting_without_matplotlib_names_the_extra(broker, qsubmit, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)

    said = qsubmit("result", broker.add_job(state="succeeded"), "--plot", tmp_path / "x.png")

    assert said.code == 2
    assert "qsubmit[plot]" in said.err


def test_a_picture_has_a_known_kind(broker, qsubmit):
    assert qsubmit("result", broker.add_job(state="succeeded"), "--plot", "x.doc").code == 2


# A job's name or a vendor's message: colour, title, clear screen, one-byte CSI, delete, bidi override, separator, half
# a surrogate.
HOSTILE = "a\x1b[31mb\x1b]0;t\x07\x1b[2J\x9b2Jc\x7f\u202ed\u2028e\u2066\ud800"
ALLOWED = {"\n"}


def odd(text):
    return {c for c in text if not c.isprintable()} - ALLOWED


def test_a12_a_json_document_holds_no_character_that_drives_a_terminal(capsys):
    terminal.document({"name": HOSTILE, HOSTILE: ["양자 ψ"]})
    shown = capsys.readouterr().out
    assert odd(shown) == set()
    assert json.loads(shown) == {"name": HOSTILE, HOSTILE: ["양자 ψ"]}
    assert "양자 ψ" in shown


def test_a12_lines_pass_our_own_styles_and_nothing_else(capsys):
    terminal.out(f"\x1b[32mfine\x1b[0m {HOSTILE.replace('[31m', '[41m')}")
    terminal.note(HOSTILE)
    said = capsys.readouterr()
    assert said.out.startswith("\x1b[32mfine\x1b[0m ")
    assert odd(said.out.removeprefix("\x1b[32mfine\x1b[0m ")) == set()
    assert odd(said.err.replace("\x1b[31m", "")) == set()


@pytest.mark.parametrize("flag", [[], ["--json"]], ids=["table", "json"])
def test_a12_a_hostile_name_reaches_no_terminal(broker, bell, flag):
    name = HOSTILE.replace("\ud800", "")
    on_terminal(["submit", bell, "--name", name], 80)
    shown = on_terminal(["jobs", *flag], 200, NO_COLOR="1").replace("\r", "")
    assert broker.posts("/v1/jobs")[0]["body"]["name"] == name
    assert odd(shown) == set()


@pytest.mark.parametrize("detail", [HOSTILE, "plain"])
def test_a12_an_error_and_its_refusals_are_said_harmlessly(capsys, detail):
    refusal = {"device": HOSTILE, "rule": HOSTILE, "reason": HOSTILE}
    problem = {"hint": HOSTILE, "pointer": HOSTILE, "budget": HOSTILE, "refusals": [refusal]}
    trouble.report(QsubmitError(detail, code="no_device", status=409, problem=problem), as_json=True)
    said = capsys.readouterr()
    assert odd(said.out) == set()
    assert odd(said.err.replace("\x1b[31m", "")) == set()


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"), ("+1+cmd", "'+1+cmd"), ("-2+3", "'-2+3"), ("@SUM(A1)", "'@SUM(A1)"), ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"), ("\uff1d1", "'\uff1d1"), ("-", "'-"),
        ("-0.5", "-0.5"), ("+1", "+1"), ("-1e-07", "-1e-07"), ("0011", "0011"), ("|1,0>", "|1,0>"), ("", ""),
        (-0.5, -0.5), (-3, -3), (0.25, 0.25),
    ],
)  # fmt: skip
def test_a12_a_cell_is_no_formula_and_a_number_stays_one(cell, written):
    assert sheet.inert(cell) == written


def test_a12_names_of_a_sweeps_parameters_are_no_formulas(capsys):
    points = [{"bindings": {"=cmd()": -value}, "counts": {"-1": 1, "@x": 2}, "shots": 3} for value in (1.5, 2.5)]
    sheet.write({"points": points})
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["point,'=cmd(),shots,-1,'@x", "0,-1.5,3,1,2", "1,-2.5,3,1,2"]


@pytest.mark.parametrize("columns", ["9" * 5000, "²", "-1", "x"])
def test_a12_a_width_that_is_none_is_the_terminals(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setattr(terminal, "is_tty", lambda _stream: True)
    assert terminal.width(sys.__stdout__) <= 1000
