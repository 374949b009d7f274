"""What will a run take, and by which engine? One choice, made of the requirement's figures, for the host and before."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from backends.local import qsim
from backends.local.choose import WIDE_BYTES, Choice, Machine, Need, Unfit, choose
from backends.local.estimate import other_choice
from broker.domain.host import ALL_CORES, Weight

if TYPE_CHECKING:
    from broker.domain.requirement import Requirement

GATE = frozenset({"auto", "aer", "qsim"})
_NAMES = ("width", "operations", "multi_qubit_gates", "entangling_cut", "clifford", "dynamic")


def choice_of(engine: str, method: str, figures: tuple[Any, ...], machine: Machine) -> Choice:
    """``figures`` are the six of ``Need``, then microseconds, photons, shots and points.

    Raises:
        Unfit: no engine of the machine can run it.
    """
    *need, duration_us, photons, shots, points = figures
    if engine not in GATE:
        return other_choice(
            engine, width=need[0], duration_us=duration_us, photons=photons, points=points, machine=machine
        )
    wanted = Need(**dict(zip(_NAMES, need, strict=True)), shots=shots, points=points)
    return choose(wanted, machine, device=engine, method=method)


def weight(device: str, need: Requirement, *, method: str, memory_bytes: int) -> Weight:
    """Cores, core-seconds and memory of one job; of one that fits nowhere nothing: the host says why."""
    figures = (*(getattr(need, name) for name in _NAMES), need.duration_us, need.photons, need.shots, need.points)
    return _weight(device.partition("/")[2], method, figures, memory_bytes)


@lru_cache(4096)
def _weight(engine: str, method: str, figures: tuple[Any, ...], memory_bytes: int) -> Weight:
    try:
        choice = choice_of(engine, method, figures, Machine(memory_bytes=memory_bytes, qsim=qsim.available()))
    except Unfit:
        return Weight()
    wide = engine in GATE and choice.method == "statevector" and choice.memory_bytes > WIDE_BYTES
    return Weight(cores=ALL_CORES if wide else 1, seconds=choice.seconds, memory_bytes=choice.memory_bytes)
