"""What do analog and photonic simulations take? Memory and time, for the host to refuse and to queue."""

from __future__ import annotations

from math import comb
from typing import TYPE_CHECKING

from backends.local.choose import Choice, Unfit

if TYPE_CHECKING:
    from backends.local.choose import Machine

_BASE_BYTES = 128 << 20
_STEP_US = 0.01


def other_choice(engine: str, *, width: int, duration_us: float, photons: int, points: int, machine: Machine) -> Choice:
    """The one engine of a device that is not gate model.

    Raises:
        Unfit: it does not fit into memory.
    """
    if engine == "perceval":
        # SLOS holds every Fock state of the photons over the modes, and the layers below.
        states = comb(width + photons - 1, photons) if photons else 1
        size, method, seconds = 64 * states, "slos", 0.05 + states * 1e-6
    else:
        # A sparse Hamiltonian has about one term per atom in each row, besides the solver's work vectors.
        states = 1 << min(width, 60)
        size, method = states * (16 * 24 + 32 * width), {"pulser": "qutip", "ahs": "rydberg"}[engine]
        seconds = 0.1 + states * 1e-7 * max(duration_us, 0.1) / _STEP_US
    memory = _BASE_BYTES + size
    if memory > machine.memory_bytes:
        there = machine.memory_bytes >> 20
        raise Unfit("memory", f"{engine} needs about {memory >> 20:,} MiB of memory, this machine has {there:,} MiB")
    reason = f"{width} modes, {photons} photons" if engine == "perceval" else f"dense state of {width} atoms"
    return Choice(engine=engine, method=method, reason=reason, memory_bytes=memory, seconds=seconds * points)
