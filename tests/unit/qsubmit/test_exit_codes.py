"""Is there one table of exit codes, complete, and the same in the docs?"""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from broker.domain import errors as server_errors
from qsubmit import errors
from qsubmit.cli.exit_codes import OF_CLASS, OF_CODE, TABLE, exit_code
from qsubmit.errors import of_job, of_problem

DOCS = Path(__file__).parents[3] / "docs" / "exit-codes.md"

PROBLEMS = [
    (422, "program_unknown_gate", 4),
    (422, "request_invalid", 4),
    (413, "too_large", 4),
    (401, "unauthenticated", 3),
    (403, "forbidden", 3),
    (403, "access_refused", 5),
    (409, "no_device", 5),
    (402, "budget_exceeded", 6),
    (404, "not_found", 7),
    (500, "internal", 8),
    (503, "not_ready", 8),
    (409, "not_ready", 11),
    (429, "rate_limited", 11),
    (422, "idempotency_mismatch", 11),
    (409, "idempotency_in_flight", 11),
    (409, "not_cancellable", 11),
    (409, "something_new", 11),
    (405, "method_not_allowed", 4),
]


@pytest.mark.parametrize(("status", "code", "number"), PROBLEMS)
def test_a_problem_has_its_exit_code(status, code, number):
    error = of_problem(status, {"code": code, "detail": "d"})

    assert exit_code(error) == number
    assert error.code == code


def test_every_code_of_the_server_stands_in_the_table():
    kinds = [kind for _, kind in inspect.getmembers(server_errors, inspect.isclass)]
    codes = {kind.code for kind in kinds if issubclass(kind, server_errors.QsubmitError)}

    assert codes <= set(OF_CODE)


def test_the_table_and_the_classes_agree():
    for name, number in OF_CLASS.items():
        kind = getattr(errors, name)
        assert OF_CODE.get(kind.code, number) == number, name


def test_every_error_of_ours_has_a_row():
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.QsubmitError)]
    rows = {number for number, *_ in TABLE}

    assert {exit_code(kind("d")) for kind in kinds} <= rows


def test_a_jobs_own_code_does_not_change_the_class_of_its_failure():
    job = {"id": "j", "state": "failed", "error": {"code": "program_too_big", "message": "m"}}

    assert exit_code(of_job(job)) == 1


def test_the_docs_mirror_the_table():
    rows = [line.split("|") for line in DOCS.read_text().splitlines() if line.startswith("| ")][1:]
    written = [(int(row[1]), row[2].strip(), row[3].strip(), row[4].strip()) for row in rows]
    expected = [
        (number, name, meaning, ", ".join(f"`{code}`" for code in codes)) for number, name, meaning, codes in TABLE
    ]

    assert written == expected


def test_the_command_line_page_names_every_command_and_option():
    from qsubmit.cli.commands import COMMANDS
    from qsubmit.cli.parsing import parser_of

    page = (DOCS.parent / "cli.md").read_text()

    for name in COMMANDS:
        assert f"`{name}" in page
    for action in parser_of("run")._actions:
        if action.option_strings[:1] not in ([], ["-h"], ["-q"], ["--top"], ["--wait"]):
            assert action.option_strings[0] in page
