"""Can a frame of a child make the parent stumble, allocate, or forget its limits?"""

from __future__ import annotations

import json
import resource

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends import child_frame, child_process, storable
from backends.child import Child, ChildError, ChildKilled, Limits
from backends.errors import Busy, Refused, UnknownJob
from backends.walls import WALLS

LIMITS = Limits(memory_bytes=1, cpu_s=1.0, wall_s=1.0)


class Rogue:
    """A process whose frames say what a test wants."""

    reply: object = {}
    used_s = 0.0

    def __init__(self, *_):
        self.discarded = False

    def await_ready(self):
        return

    def allow(self, **_):
        return

    def exchange(self, body, *, wall_s):
        return Rogue.reply

    def ended(self):
        return self.discarded

    def tail(self):
        return ""

    def kill(self, reason):
        self.discarded = True

    def discard(self):
        self.discarded = True


@pytest.fixture
def rogue(monkeypatch):
    monkeypatch.setattr("backends.child.Process", Rogue)
    return Child("nothing:here", LIMITS)


@pytest.mark.parametrize("reply", [{}, {"value": 7}, {"value": None}, {"error": None}, {"error": "x"}, {"value": [1]}])
def test_a3_a_reply_that_is_neither_a_value_nor_an_error_ends_the_child(rogue, reply):
    Rogue.reply = reply
    with pytest.raises(ChildKilled) as caught:
        rogue.call({})
    assert caught.value.reason == "crash"
    assert rogue._process is None


@pytest.mark.parametrize("fault", [{}, {"type": 7, "message": ["x"]}, {"line": True, "column": 1.5, "code": {}}])
def test_a3_an_error_of_any_shape_is_an_error(rogue, fault):
    Rogue.reply = {"error": fault}
    with pytest.raises(ChildError) as caught:
        rogue.call({})
    assert (caught.value.code, caught.value.line, caught.value.column, caught.value.pointer) == (None,) * 4


def test_a3_where_an_error_was_is_bounded(rogue):
    where = {
        "type": "T" * 999,
        "message": "\ud800\x00" * 9999,
        "code": "a_b",
        "line": 3,
        "column": 4,
        "pointer": "/x\x00",
    }
    Rogue.reply = {"error": where}
    with pytest.raises(ChildError) as caught:
        rogue.call({})
    told = caught.value
    assert (told.code, told.line, told.column, told.pointer) == ("a_b", 3, 4, "/x\u2400")
    assert (len(told.type), len(told.message)) == (storable.MAX_NAME, storable.MAX_SENTENCE)
    str(told).encode()


@pytest.mark.parametrize(
    "frame", [b"", b"[]", b"7", b'{"cpu": NaN}', b"[" * 10**5, b"\xff", b'{"a": ' + b"9" * 5000 + b"}"]
)
def test_a3_a_frame_that_is_no_object_is_none(frame):
    assert child_frame.opened(frame) is None


@pytest.mark.parametrize("cpu", [None, "1", -1.0, 0.5, 99.0, 1e300, True, 10**400, [1]])
def test_a3_processor_time_neither_shrinks_nor_runs_ahead(cpu):
    assert child_frame.spent_s({"cpu": cpu}, at_least=1.0, at_most=10.0) is None
    assert child_frame.spent_s({"cpu": 2.5}, at_least=1.0, at_most=10.0) == 2.5


def test_a3_a_frame_of_more_parts_than_a_result_has_is_not_built():
    few, many = (b'{"x":[' + b"{}," * count + b"1]}" for count in (1000, child_frame.MOST_PARTS // 2 + 1))
    assert child_frame.opened(few) is not None
    before = _peak_kb()
    assert child_frame.opened(many) is None
    assert _peak_kb() - before < 100_000


def test_a3_the_commas_of_states_are_no_parts():
    states = ", ".join(f'"|{",".join(format(number, "020b"))}>": 1' for number in range(600_000))
    found = child_frame.opened(f'{{"counts": {{{states}}}}}'.encode())
    assert found is not None
    assert len(found["counts"]) == 600_000


def test_a3_escaped_quotes_do_not_hide_parts():
    hidden = rb'{"a":"\"","x":[' + b"{}," * (child_frame.MOST_PARTS // 2 + 1) + rb'1],"b":"\""}'
    assert isinstance(json.loads(hidden), dict)
    assert child_frame.opened(hidden) is None


def _peak_kb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def test_a3_no_honest_reply_has_so_many_parts():
    # So many different keys need at least 24 bits each, and quotes, a colon, a count and their spaces around them.
    entry = len(json.dumps({"0" * 24: 1})[1:-1]) + len(", ")
    assert child_process.MAX_REPLY_BYTES // entry < child_frame.MOST_PARTS


def test_a3_a_child_that_does_not_say_its_walls_has_none():
    assert child_frame.lacks({"lacks": ["files", "no wall", 7, {}]}) == ("files",)
    assert child_frame.lacks({"lacks": "files"}) == child_frame.lacks({}) == tuple(WALLS)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)


@given(frame=st.dictionaries(st.sampled_from(["cpu", "value", "error", "killed", "lacks", "mapped"]), JSON))
def test_a3_no_frame_makes_the_parent_stumble(frame):
    opened = child_frame.opened(json.dumps(frame).encode())
    if opened is None:
        return
    child_frame.lacks(opened)
    child_frame.spent_s(opened, at_least=0.0, at_most=1.0)
    if isinstance(opened.get("error"), dict):
        told = ChildError(
            kind=opened["error"].get("type"), message=opened["error"].get("message"), where=opened["error"], tail=""
        )
        str(told).encode()


@given(text=st.text(alphabet=st.characters(), max_size=50) | st.just("\ud800\x00"), place=JSON)
def test_a3_what_an_adapter_raises_can_be_stored(text, place):
    for error in (Busy(text), UnknownJob(text), Refused(text, code=text, line=place, column=place, pointer=place)):
        assert "\x00" not in str(error)
        str(error).encode()
