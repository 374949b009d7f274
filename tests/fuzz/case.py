"""What becomes of one case? Its program, intake's verdict, and its way through a child, all of it from two numbers."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from random import Random
from time import thread_time
from typing import TYPE_CHECKING

from broker.domain.errors import ProgramInvalid
from broker.domain.program import Format, Program
from broker.intake.inspect import inspect
from tests.fuzz.mutate import mutated
from tests.fuzz.rooms import ROOMS, small
from tests.support.hostile.attacks import CANARY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.fuzz.rooms import Children, Ran, Room

SLOWEST_S = 1.0
BLOCK = 300
"""So many cases in a row are of one format and meet one room, for a child takes seconds to start."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """A program that may be anything, and where it goes if it is admitted."""

    seed: int
    number: int
    form: Format
    source: str
    room: Room

    def draw(self) -> Random:
        """The randomness of what follows."""
        return Random(f"{self.seed}/{self.number}/after")


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """``failure`` is empty, or the kind of what must never happen, with words after a colon."""

    admitted: bool = False
    code: str = ""
    seconds: float = 0.0
    ran: Ran | None = None
    failure: str = ""


def case_of(seed: int, number: int, programs: Mapping[Format, Sequence[str]]) -> Case:
    """Always the same for the same numbers."""
    room = Random(f"{seed}/block/{number // BLOCK}").choice(ROOMS)
    draw = Random(f"{seed}/{number}")
    form = draw.choice(room.formats)
    return Case(seed=seed, number=number, form=form, source=mutated(form, programs[form], draw), room=room)


def judged(case: Case, children: Children, secrets: Sequence[str]) -> Verdict:
    """Intake's verdict and, if it is yes to a program of a size that is worth it, the child's."""
    program = Program(format=case.form, source=case.source, sha256="")
    begun = thread_time()
    try:
        need = inspect(program)
    except ProgramInvalid as refusal:
        seconds = thread_time() - begun
        where = refusal.pointer is not None or refusal.line is not None
        return Verdict(code=refusal.code, seconds=seconds, failure=_slow(seconds) if where else "refused without place")
    except Exception as error:  # noqa: BLE001  whatever it is, it would have been the gateway's
        return Verdict(seconds=thread_time() - begun, failure=f"parent crash: {type(error).__name__}: {error}"[:300])
    seconds = thread_time() - begun
    if _slow(seconds) or not small(need):
        return Verdict(admitted=True, seconds=seconds, failure=_slow(seconds))
    try:
        ran = children.run(case.room, program, need, case.draw())
    except Exception as error:  # noqa: BLE001  neither killed nor an answer: the parent's own fault
        failure = f"parent crash: {type(error).__name__}: {error}"[:300]
        return Verdict(admitted=True, seconds=seconds, failure=failure)
    return Verdict(admitted=True, seconds=seconds, ran=ran, failure=_escape(ran, secrets))


def _slow(seconds: float) -> str:
    return f"slow verdict: {seconds:.2f} s" if seconds > SLOWEST_S else ""


def _escape(ran: Ran, secrets: Sequence[str]) -> str:
    if ran.heard:
        return f"escape: {ran.room}: {ran.heard[0]}"[:400]
    if any(secret in ran.answer for secret in secrets):
        return f"escape: {ran.room}: a secret came back"
    for place in (Path.cwd(), Path(tempfile.gettempdir())):
        if (place / CANARY).exists():
            return f"escape: {ran.room}: {place / CANARY} was made"
    return ""
