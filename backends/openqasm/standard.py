"""Which gate of Qiskit is each gate that exists without being defined? The names are those of intake's own tables."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from backends.invalid import Foreign
from broker.domain.program import Format, Program
from broker.intake.limits import LIMITS
from broker.intake.qasm.inspector import build

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from broker.intake.qasm.events import Call, Matrix
    from broker.intake.qasm.gates import Gate
    from broker.intake.qasm.symbols import Measured

# Name in intake's tables = name in Qiskit's StandardGate. One name means the same matrix in every library that has it.
_ROWS: Final = """
U=U u=U u1=U1 u2=U2 u3=U3 p=Phase phase=Phase phaseshift=Phase id=I i=I x=X y=Y z=Z h=H s=S sdg=Sdg si=Sdg t=T
tdg=Tdg ti=Tdg sx=SX v=SX sxdg=SXdg vi=SXdg rx=RX ry=RY rz=RZ prx=R gphase=GlobalPhase CX=CX cx=CX cnot=CX
cy=CY cz=CZ ch=CH csx=CSX cv=CSX crx=CRX cry=CRY crz=CRZ cu1=CU1 cu3=CU3 cu=CU cp=CPhase cphase=CPhase
cphaseshift=CPhase swap=Swap iswap=ISwap ecr=ECR rxx=RXX xx=RXX yy=RYY rzz=RZZ zz=RZZ ccx=CCX ccnot=CCX
cswap=CSwap rccx=RCCX c3x=C3X rc3x=RC3X c3sqrtx=C3SX
"""
_SAME: Final = dict(row.split("=") for row in _ROWS.split())
# A gate with one control more, and the angles that come behind its own; the others are left to Qiskit.
_CONTROLLED: Final = {
    "X": ("CX", ()),
    "CX": ("CCX", ()),
    "CCX": ("C3X", ()),
    "Y": ("CY", ()),
    "Z": ("CZ", ()),
    "CZ": ("CCZ", ()),
    "H": ("CH", ()),
    "S": ("CS", ()),
    "Sdg": ("CSdg", ()),
    "SX": ("CSX", ()),
    "Swap": ("CSwap", ()),
    "Phase": ("CPhase", ()),
    "U1": ("CU1", ()),
    "RX": ("CRX", ()),
    "RY": ("CRY", ()),
    "RZ": ("CRZ", ()),
    "U3": ("CU3", ()),
    "U": ("CU", (0.0,)),
    "GlobalPhase": ("Phase", ()),
}
# What Qiskit has no class for, said by gates that it has; with their phases, since a control makes them count.
_DEFINED: Final = """
gate u0(t) a { }
gate c4x a,b,c,d,e { ctrl(4) @ x a,b,c,d,e; }
gate gpi(t) a { U(pi,t,pi-t) a; }
gate gpi2(t) a { U(pi/2,t-pi/2,pi/2-t) a; }
gate cphaseshift00(t) a,b { x a; x b; cphaseshift(t) a,b; x a; x b; }
gate cphaseshift01(t) a,b { x a; cphaseshift(t) a,b; x a; }
gate cphaseshift10(t) a,b { x b; cphaseshift(t) a,b; x b; }
gate xy(t) a,b { xx(-t/2) a,b; yy(-t/2) a,b; }
gate pswap(t) a,b { swap a,b; cnot a,b; phaseshift(t) b; cnot a,b; }
gate ms(t,u,w) a,b { rz(-t) a; rz(-u) b; xx(w) a,b; rz(t) a; rz(u) b; }
qubit[5] q;
u0(0) q[0]; c4x q[0],q[1],q[2],q[3],q[4]; gpi(0) q[0]; gpi2(0) q[0];
cphaseshift00(0) q[0],q[1]; cphaseshift01(0) q[0],q[1]; cphaseshift10(0) q[0],q[1];
xy(0) q[0],q[1]; pswap(0) q[0],q[1]; ms(0,0,0) q[0],q[1];
"""


@cache
def same() -> Mapping[str, Foreign]:
    """Name → Qiskit's StandardGate."""
    from qiskit._accelerate.circuit import StandardGate

    return {name: getattr(StandardGate, gate) for name, gate in _SAME.items()}


@cache
def controlled() -> Mapping[Foreign, tuple[Foreign, tuple[float, ...]]]:
    """StandardGate → the one with a control more, and the angles to add."""
    from qiskit._accelerate.circuit import StandardGate

    return {
        getattr(StandardGate, gate): (getattr(StandardGate, more), angles)
        for gate, (more, angles) in _CONTROLLED.items()
    }


@cache
def defined() -> Mapping[str, Gate]:
    """Name → a gate with a body, for those that are not ``same``."""
    seen = _Seen()
    build(Program.of(Format.OPENQASM3, _DEFINED), LIMITS, seen)
    return seen.gates


class _Seen:
    """Keeps the gates that are called."""

    def __init__(self) -> None:
        self.gates: dict[str, Gate] = {}

    def apply(self, call: Call) -> None:
        self.gates[call.gate.name] = call.gate

    def qubits(self, count: int, name: str) -> None: ...
    def physical(self, numbers: Sequence[int]) -> None: ...
    def bits(self, places: range) -> None: ...
    def unitary(self, matrix: Matrix, qubits: Sequence[int]) -> None: ...
    def measure(self, qubits: Sequence[int], bits: Sequence[int] | None) -> None: ...
    def reset(self, qubits: Sequence[int]) -> None: ...
    def assign(self, bits: Sequence[int], value: int) -> None: ...
    def branch(self, condition: Measured) -> None: ...
    def otherwise(self) -> None: ...
    def merge(self) -> None: ...
