"""Does every hostile program end in a located refusal or a bounded requirement, and in nothing else?"""

from __future__ import annotations

from time import thread_time

from broker.domain.errors import ProgramInvalid
from broker.domain.program import Program
from broker.domain.requirement import Requirement
from broker.intake.inspect import inspect
from broker.intake.limits import LIMITS
from tests.support.hostile.corpus import ADMITTED, DEVICE, EITHER, Hostile, corpus

SLOWEST = 6.0


def outcome(hostile: Hostile) -> str:
    """The code of the refusal, or ``admitted``; anything else that happens is a failure by itself."""
    program = Program(format=hostile.format, source=hostile.source, sha256="")
    try:
        found = inspect(program)
    except ProgramInvalid as refusal:
        return checked(refusal, hostile)
    assert bounded(found), f"{hostile.name}: {found}"
    return ADMITTED


def checked(refusal: ProgramInvalid, hostile: Hostile) -> str:
    assert refusal.code.startswith("program_"), refusal
    assert located(refusal), f"{hostile.name}: {refusal.code} has no location"
    assert len(refusal.detail) < 500, hostile.name
    refusal.detail.encode()
    return refusal.code


def located(refusal: ProgramInvalid) -> bool:
    in_text = refusal.line is not None and refusal.line >= 1 and refusal.column is not None and refusal.column >= 1
    return in_text or refusal.pointer is not None


def bounded(found: Requirement) -> bool:
    return (
        1 <= found.width <= LIMITS.qubits
        and found.operations <= LIMITS.operations
        and sum(count for _, count in found.gates) <= LIMITS.operations
        and 0 <= found.depth <= LIMITS.work
        and found.entangling_cut <= found.width // 2
        and found.bits <= LIMITS.bits
        and len(found.parameters) <= LIMITS.parameters
        and found.photons <= LIMITS.photons
        and found.duration_us <= LIMITS.duration_us
    )


def agrees(got: str, expected: str) -> bool:
    return expected in {EITHER, got} or (expected == DEVICE and got == ADMITTED)


def test_every_hostile_program_is_refused_with_a_location_or_bounded():
    wrong, names, slow = [], set(), []
    for hostile in corpus():
        begun = thread_time()
        got = outcome(hostile)
        took = thread_time() - begun
        names.add(hostile.name)
        if not agrees(got, hostile.expectation):
            wrong.append(f"{hostile.name}: {got}, expected {hostile.expectation}")
        if took > SLOWEST:
            slow.append(f"{hostile.name}: {took:.2f} s")
    assert not wrong, "\n".join(wrong)
    assert not slow, "\n".join(slow)
    assert len(names) >= 220
