"""Does the fuzz see what it must see, and does a short run of it hold?"""

from __future__ import annotations

import builtins
from random import Random

import pytest

from broker.domain.errors import ProgramInvalid
from broker.domain.program import Format, Program
from broker.intake.inspect import inspect
from tests.fuzz import rooms
from tests.fuzz.case import BLOCK, case_of
from tests.fuzz.mutate import mutated
from tests.fuzz.rooms import ROOMS, Children, Room
from tests.fuzz.run import Fuzz
from tests.fuzz.seeds import seeds
from tests.fuzz.smaller import smallest
from tests.support.hostile.attacks import CANARY, CODE
from tests.support.local_orders import BELL

# Four rooms are met, five cases each; ``make fuzz`` is the long run.
NUMBERS = [block * BLOCK + number for block in range(4) for number in range(5)]
SEED = 7


@pytest.fixture(scope="module")
def programs():
    return seeds()


@pytest.fixture
def children():
    made = Children()
    yield made
    made.close()


def test_every_format_has_real_programs_to_begin_with(programs):
    assert {form: len(found) >= 4 for form, found in programs.items()} == dict.fromkeys(Format, True)


def test_a_case_is_the_same_for_the_same_numbers(programs):
    assert [case_of(SEED, number, programs) for number in range(30)] == [
        case_of(SEED, number, programs) for number in range(30)
    ]
    assert case_of(SEED, 1, programs).source != case_of(SEED + 1, 1, programs).source


@pytest.mark.parametrize("form", Format)
def test_intake_answers_a_hundred_changed_programs_of_each_format(programs, form):
    sources = [mutated(form, programs[form], Random(f"{SEED}/{form}/{number}")) for number in range(100)]
    refusals = [refusal for source in sources if (refusal := refused(form, source)) is not None]
    assert 0 < len(refusals) < len(sources)
    assert [one for one in refusals if one.pointer is None and one.line is None] == []


def refused(form, source):
    try:
        inspect(Program(format=form, source=source, sha256=""))
    except ProgramInvalid as refusal:
        return refusal


def test_a1_a_short_run_shows_no_escape(tmp_path):
    fuzz = Fuzz(SEED, tmp_path)
    try:
        figures = fuzz.run(NUMBERS)
    finally:
        fuzz.close()
    assert figures.cases == len(NUMBERS)
    assert figures.failures == []


def evaluating(source):
    """A room whose target evaluates the program, as a library might."""

    def request(program, need, point):
        return {"text": source}

    return Room(name="naive", target="tests.fuzz.test_fuzz:naive", formats=(Format.OPENQASM2,), request=request)


def naive(request):
    return {"value": str(eval(request["text"]))}


@pytest.mark.parametrize("code", CODE[:4])
def test_the_watch_hears_a_library_that_evaluates(children, code):
    program = Program.of(Format.OPENQASM2, BELL + "//" + code)
    ran = children.run(evaluating(code), program, inspect(program), Random(1))
    assert ran.heard
    assert not hasattr(builtins, CANARY)


def test_a_quiet_room_is_heard_to_be_quiet(children):
    program = Program.of(Format.OPENQASM2, BELL)
    ran = children.run(evaluating("1+1"), program, inspect(program), Random(1))
    assert (ran.heard, ran.killed) == ((), None)


def test_a_failure_is_kept_with_less_around_it(programs):
    case = case_of(SEED, 3, programs)
    found = smallest(case, lambda one: "q" in one.source)
    assert "q" not in case.source or found.source == "q"


def test_every_child_that_opens_programs_has_a_room():
    targets = {room.target for room in ROOMS}
    assert {target.partition(":")[0].rpartition(".")[2] for target in targets} == {
        *("run_gate", "run_pulser", "run_perceval", "run_ahs"),
        *("translate", "simulate", "retarget", "desk", "engine"),
    }
    assert rooms.LIMITS.memory_bytes > 0
