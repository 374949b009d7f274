"""Which engine and method suit a gate program? One pure function of the requirement and the machine."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

EXACT_QUBITS: Final = 12
MOST_QSIM_QUBITS: Final = 34
METHODS: Final = ("statevector", "stabilizer", "matrix_product_state")
SURE_CUT: Final = 7
RACE_S: Final = 5.0
LONG_S: Final = 10.0

# Seconds per unit of work, measured on 2 cores (tests/bench/local_engines.py); their ratios decide, not their size.
_EXACT_GATE, _EXACT_AMPLITUDE = 1e-5, 1e-8
_AER, _QSIM = 1.2e-9, 1.3e-10
_MPS_GATE, _MPS_SHOT, _MPS_BOND = 4e-8, 2e-6, 2e-9
_STABILIZER_SHOT = 1e-7
_START = {"exact": 0.0001, "aer/statevector": 0.002, "aer/stabilizer": 0.002, "aer/matrix_product_state": 0.02}
_START_QSIM = 0.004
_BASE_BYTES: Final = 64 << 20
# A dense state that takes more has all cores of its host.
WIDE_BYTES: Final = 68 << 20
_MIB: Final = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Need:
    """What decides about the engine; the words are those of ``Requirement``."""

    width: int
    operations: int
    multi_qubit_gates: int
    entangling_cut: int
    clifford: bool
    dynamic: bool
    shots: int
    points: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """What the host may use."""

    memory_bytes: int
    qsim: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """How to run, why, and what it takes. ``fallback`` has its turn when ``limit_s`` is over without a result."""

    engine: str
    method: str
    reason: str
    memory_bytes: int
    seconds: float
    limit_s: float | None = None
    fallback: Choice | None = None

    @property
    def words(self) -> str:
        """For ``Outcome.engine``."""
        return f"{self.engine}/{self.method}: {self.reason}"


class Unfit(Exception):
    """No engine here can run it; ``code`` is ``memory`` or ``unsupported``."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def choose(need: Need, machine: Machine, *, device: str, method: str = "") -> Choice:
    """The cheapest engine that surely fits; ``device`` is auto, aer or qsim, ``method`` the user's own wish.

    Raises:
        Unfit: with the estimate.
    """
    if device == "qsim":
        return _on_qsim(need, machine)
    if method:
        return _asked(need, machine, method)
    if need.width <= EXACT_QUBITS and not need.dynamic:
        reason = f"the distribution of {need.width} qubits, sampled"
        return _made(need, "exact", "statevector", reason)
    if need.clifford:
        return _made(need, "aer", "stabilizer", "Clifford gates only")
    dense = _dense(need, machine, device=device)
    if device == "aer" or need.width <= EXACT_QUBITS:
        return _fitting(dense, machine)
    return _dense_or_product(need, dense, machine)


def _asked(need: Need, machine: Machine, method: str) -> Choice:
    """The user's method; what its bound says of a product state's memory is no reason to refuse it."""
    if method not in METHODS:
        raise Unfit("unsupported", f"there is no method {method!r} here, only {', '.join(METHODS)}")
    asked = _made(need, "aer", method, "asked for")
    if method == "matrix_product_state":
        return replace(asked, memory_bytes=min(asked.memory_bytes, machine.memory_bytes))
    return _fitting(asked, machine)


def _on_qsim(need: Need, machine: Machine) -> Choice:
    if need.dynamic:
        raise Unfit(
            "unsupported", "qsim runs programs that measure at the end only; this one measures before or resets"
        )
    if not machine.qsim:
        raise Unfit("unsupported", "qsim is not installed here")
    return _fitting(_made(need, "qsim", "statevector", "single precision"), machine)


def _dense(need: Need, machine: Machine, *, device: str) -> Choice:
    aer = _made(need, "aer", "statevector", f"dense state of {need.width} qubits")
    if need.dynamic:
        return replace(aer, reason=f"dynamic circuit of {need.width} qubits")
    if device != "auto" or not machine.qsim or need.width > MOST_QSIM_QUBITS:
        return aer
    return _made(need, "qsim", "statevector", f"dense state of {need.width} qubits, single precision")


def _dense_or_product(need: Need, dense: Choice, machine: Machine) -> Choice:
    """Matrix product state where its bound is low; raced where the bound says little; else dense."""
    cut = f"entangling cut {need.entangling_cut} of {need.width} qubits"
    product = _made(need, "aer", "matrix_product_state", cut)
    fits = dense.memory_bytes <= machine.memory_bytes
    sure = need.entangling_cut <= SURE_CUT and product.memory_bytes <= machine.memory_bytes
    if sure and (not fits or product.seconds * 2 < dense.seconds):
        return product
    if not fits and need.entangling_cut > _hopeless(need):
        raise _too_big(dense, machine)
    if not fits or (dense.seconds > LONG_S and need.entangling_cut <= _hopeless(need)):
        bounded = min(product.memory_bytes, machine.memory_bytes)
        guess = replace(product, reason=f"{cut}, a guess", memory_bytes=bounded)
        if not fits:
            return guess
        return replace(guess, limit_s=min(RACE_S, dense.seconds), fallback=dense)
    return dense


def _hopeless(need: Need) -> int:
    """Above it the bound gives no hope of little entanglement."""
    return need.width // 2 - 1


def _fitting(choice: Choice, machine: Machine) -> Choice:
    if choice.memory_bytes > machine.memory_bytes:
        raise _too_big(choice, machine)
    return choice


def _too_big(choice: Choice, machine: Machine) -> Unfit:
    wanted, there = (_shown(size) for size in (choice.memory_bytes, machine.memory_bytes))
    return Unfit("memory", f"{choice.engine}/{choice.method} needs about {wanted} of memory, this machine has {there}")


def _shown(size: int) -> str:
    mebibytes = size / _MIB
    for unit in ("MiB", "GiB", "TiB", "PiB"):
        if mebibytes < 1024 or unit == "PiB":  # noqa: PLR2004  binary units
            break
        mebibytes /= 1024
    return f"{mebibytes:,.1f} {unit}"


def _made(need: Need, engine: str, method: str, reason: str) -> Choice:
    seconds, memory = _cost(need, engine, method)
    total = seconds * need.points
    return Choice(engine=engine, method=method, reason=reason, memory_bytes=_BASE_BYTES + memory, seconds=total)


def _cost(need: Need, engine: str, method: str) -> tuple[float, int]:
    """Seconds per point and bytes beyond the warm process."""
    gates, states = max(need.operations, 1), 1 << min(need.width, 60)
    if engine == "exact":
        work = gates * (_EXACT_GATE + states * _EXACT_AMPLITUDE)
        return _START["exact"] + work, 64 * states
    if engine == "qsim":
        return _START_QSIM + gates * states * _QSIM, 8 * states + 64 * need.shots
    start = _START.get(f"aer/{method}", 0.002)
    if method == "stabilizer":
        return start + need.shots * need.width * _STABILIZER_SHOT * need.width, need.width**2 + 64 * need.shots
    if method == "matrix_product_state":
        bond = 1 << min(need.entangling_cut, need.width // 2, 40)
        sampling = need.shots * need.width * (_MPS_SHOT + bond * bond * _MPS_BOND)
        return start + need.multi_qubit_gates * bond**3 * _MPS_GATE + sampling, 64 * need.width * bond * bond
    runs = need.shots if need.dynamic else 1
    return start + runs * gates * states * _AER, 16 * states + 64 * need.shots
