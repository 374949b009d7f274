"""What do the gate names of the Braket dialect mean? As definitions over ``U``, and as Qiskit's own gates."""

from __future__ import annotations

import re
from typing import Final

# name: (class in qiskit.circuit.library, angles, qubits) where both mean the same matrix.
SAME: Final = {
    "i": ("IGate", 0, 1),
    "x": ("XGate", 0, 1),
    "y": ("YGate", 0, 1),
    "z": ("ZGate", 0, 1),
    "h": ("HGate", 0, 1),
    "s": ("SGate", 0, 1),
    "si": ("SdgGate", 0, 1),
    "t": ("TGate", 0, 1),
    "ti": ("TdgGate", 0, 1),
    "v": ("SXGate", 0, 1),
    "vi": ("SXdgGate", 0, 1),
    "phaseshift": ("PhaseGate", 1, 1),
    "rx": ("RXGate", 1, 1),
    "ry": ("RYGate", 1, 1),
    "rz": ("RZGate", 1, 1),
    "cnot": ("CXGate", 0, 2),
    "cy": ("CYGate", 0, 2),
    "cz": ("CZGate", 0, 2),
    "cv": ("CSXGate", 0, 2),
    "ecr": ("ECRGate", 0, 2),
    "swap": ("SwapGate", 0, 2),
    "iswap": ("iSwapGate", 0, 2),
    "cphaseshift": ("CPhaseGate", 1, 2),
    "xx": ("RXXGate", 1, 2),
    "yy": ("RYYGate", 1, 2),
    "zz": ("RZZGate", 1, 2),
    "ccnot": ("CCXGate", 0, 3),
    "cswap": ("CSwapGate", 0, 3),
}

# Each definition names only gates above it.
_BODIES: Final = {
    "i a": "U(0,0,0) a;",
    "x a": "U(pi,0,pi) a;",
    "y a": "U(pi,pi/2,pi/2) a;",
    "z a": "U(0,0,pi) a;",
    "h a": "U(pi/2,0,pi) a;",
    "s a": "U(0,0,pi/2) a;",
    "si a": "U(0,0,-pi/2) a;",
    "t a": "U(0,0,pi/4) a;",
    "ti a": "U(0,0,-pi/4) a;",
    "phaseshift(t) a": "U(0,0,t) a;",
    "rx(t) a": "U(t,-pi/2,pi/2) a;",
    "ry(t) a": "U(t,0,0) a;",
    "rz(t) a": "gphase(-t/2); U(0,0,t) a;",
    "v a": "h a; s a; h a;",
    "vi a": "h a; si a; h a;",
    "gpi(t) a": "U(pi,t,pi-t) a;",
    "gpi2(t) a": "U(pi/2,t-pi/2,pi/2-t) a;",
    "prx(t,u) a": "U(t,u-pi/2,pi/2-u) a;",
    "cnot a,b": "ctrl @ x a,b;",
    "cy a,b": "ctrl @ y a,b;",
    "cz a,b": "ctrl @ z a,b;",
    "cv a,b": "ctrl @ v a,b;",
    "swap a,b": "cnot a,b; cnot b,a; cnot a,b;",
    "cphaseshift(t) a,b": "ctrl @ phaseshift(t) a,b;",
    "cphaseshift00(t) a,b": "x a; x b; cphaseshift(t) a,b; x a; x b;",
    "cphaseshift01(t) a,b": "x a; cphaseshift(t) a,b; x a;",
    "cphaseshift10(t) a,b": "x b; cphaseshift(t) a,b; x b;",
    "zz(t) a,b": "cnot a,b; rz(t) b; cnot a,b;",
    "xx(t) a,b": "h a; h b; zz(t) a,b; h a; h b;",
    "yy(t) a,b": "rx(pi/2) a; rx(pi/2) b; zz(t) a,b; rx(-pi/2) a; rx(-pi/2) b;",
    "xy(t) a,b": "xx(-t/2) a,b; yy(-t/2) a,b;",
    "iswap a,b": "xy(pi) a,b;",
    "pswap(t) a,b": "swap a,b; cnot a,b; phaseshift(t) b; cnot a,b;",
    "ms(t,u,w) a,b": "rz(-t) a; rz(-u) b; xx(w) a,b; rz(t) a; rz(u) b;",
    "ecr a,b": "h b; zz(pi/4) a,b; h b; x a; h b; zz(-pi/4) a,b; h b;",
    "ccnot a,b,c": "ctrl @ cnot a,b,c;",
    "cswap a,b,c": "cnot c,b; ccnot a,b,c; cnot c,b;",
}
_NAME: Final = re.compile(r"[A-Za-z]\w*")
_BY_NAME: Final = {head.split("(")[0].split()[0]: (head, body) for head, body in _BODIES.items()}


def used(text: str) -> frozenset[str]:
    """The dialect's gates that the program names and does not define itself."""
    named = set(_NAME.findall(text))
    return frozenset(named & _BY_NAME.keys()) - _defined(text)


def definitions(text: str) -> str:
    """Those that the program needs, in an order that resolves."""
    needed, own = set(used(text)), _defined(text)
    for name in reversed(_BY_NAME):
        if name in needed:
            needed |= set(_NAME.findall(_BY_NAME[name][1])) & _BY_NAME.keys() - own
    return " ".join(f"gate {head} {{ {body} }}" for name, (head, body) in _BY_NAME.items() if name in needed)


def _defined(text: str) -> set[str]:
    return set(re.findall(r"\bgate\s+(\w+)", text))
