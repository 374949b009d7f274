"""What does a peer's device list not say? Currency and abilities, read from the peer's own quotes.

A quote holds nothing and sends nothing; small programs that differ in one trait tell by offer or refusal who has it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from broker.domain.money import Money
from broker.domain.program import Format

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SHOTS = 100
WIDTHS = (24, 26, 28, 30, 32)
CLIFFORD_WIDTH = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Probe:
    """One program to ask a price for; ``points`` as in a job."""

    name: str
    format: Format
    source: str
    points: tuple[Mapping[str, float], ...] = ()

    def body(self) -> dict[str, Any]:
        """The request of a quote."""
        program = {"format": self.format.value, "source": self.source}
        return {"program": program, "shots": SHOTS, "points": [dict(point) for point in self.points]}


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """What the peer asks of one device for one probe: in its own currency, and in that of its price row."""

    cost: Money
    listed: Money
    run_s: float


Answer = Figures | str
"""Figures, or the rule by which the peer's router refuses the device."""


def answers_of(quote: Mapping[str, Any]) -> dict[str, tuple[Answer, str]]:
    """Device → its answer, and the reason of a refusal."""
    found: dict[str, tuple[Answer, str]] = {offer["device"]: (_figures(offer), "") for offer in quote["offers"]}
    return found | {no["device"]: (str(no["rule"]), str(no["reason"])) for no in quote["refusals"]}


def _figures(offer: Mapping[str, Any]) -> Figures:
    return Figures(cost=money_of(offer["cost"]), listed=money_of(offer["list_cost"]), run_s=float(offer["run_s"]))


def money_of(body: Mapping[str, str]) -> Money:
    """From the exact decimal text of a hub's answer."""
    return Money.parse(body["amount"], body["currency"])


def probes_for(formats: Iterable[Format]) -> tuple[Probe, ...]:
    """Those that a device which accepts one of ``formats`` can answer."""
    wanted = frozenset(formats)
    return tuple(probe for probe in _all() if probe.format in wanted)


@cache
def _all() -> tuple[Probe, ...]:
    turn = _QASM3 + "input float theta;\nqubit q;\nbit c;\nrx(theta) q;\nc = measure q;\n"
    return (
        Probe(name="gate", format=Format.OPENQASM3, source=turn, points=({"theta": 0.0},)),
        Probe(
            name="dynamic",
            format=Format.OPENQASM3,
            source=_QASM3 + "qubit q;\nbit c;\nh q;\nreset q;\nc = measure q;\n",
        ),
        Probe(name="stabilizer", format=Format.OPENQASM2, source=_chain(CLIFFORD_WIDTH, "")),
        Probe(name="matrix_product_state", format=Format.OPENQASM2, source=_chain(CLIFFORD_WIDTH, "t q;\n")),
        *(Probe(name=f"dense{width}", format=Format.OPENQASM2, source=_dense(width)) for width in WIDTHS),
        Probe(name="pulser", format=Format.PULSER, source=_pulser("rydberg_global")),
        Probe(name="local_drive", format=Format.PULSER, source=_pulser("rydberg_local")),
        Probe(name="ahs", format=Format.AHS, source=_ahs()),
        Probe(name="perceval", format=Format.PERCEVAL, source=_perceval()),
    )


_QASM3 = 'OPENQASM 3.0;\ninclude "stdgates.inc";\n'


def _chain(width: int, extra: str) -> str:
    """Weakly entangled: one gate crosses each cut."""
    pairs = "".join(f"cx q[{i}],q[{i + 1}];\n" for i in range(width - 1))
    return _qasm2(width, f"h q[0];\n{pairs}{extra}")


def _dense(width: int) -> str:
    """No Clifford circuit, and so entangled that only the dense state is left."""
    pairs = "".join(f"cx q[{i}],q[{width - 1 - i}];\n" for i in range(width // 2))
    return _qasm2(width, f"h q;\nt q;\n{pairs}" * 2)


def _qasm2(width: int, body: str) -> str:
    head = f'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[{width}];\ncreg c[{width}];\n'
    return f"{head}{body}measure q -> c;\n"


def _pulser(channel: str) -> str:
    flat = {"kind": "constant", "duration": 100, "value": 0.0}
    pulse = {"op": "pulse", "channel": "drive", "protocol": "min-delay", "amplitude": flat, "detuning": flat}
    document = {
        "version": "1",
        "name": "probe",
        "register": [{"name": "q0", "x": 0.0, "y": 0.0}],
        "channels": {"drive": channel},
        "variables": {},
        "operations": [pulse | {"phase": 0.0, "post_phase_shift": 0.0}],
        "measurement": "ground-rydberg",
        "device": {"name": "probe"},
    }
    if channel == "rydberg_local":
        document["operations"] = [{"op": "target", "channel": "drive", "target": 0}, *document["operations"]]
    return json.dumps(document)


def _ahs() -> str:
    flat = {"time_series": {"times": ["0.0", "1.0e-6"], "values": ["0.0", "0.0"]}, "pattern": "uniform"}
    return json.dumps(
        {
            "braketSchemaHeader": {"name": "braket.ir.ahs.program", "version": "1"},
            "setup": {"ahs_register": {"sites": [["0.0", "0.0"]], "filling": [1]}},
            "hamiltonian": {
                "drivingFields": [{"amplitude": flat, "phase": flat, "detuning": flat}],
                "localDetuning": [],
            },
        }
    )


def _perceval() -> str:
    """One photon at a beam splitter."""
    return json.dumps({"command": "sample_count", "circuit": _SPLITTER, "input_state": "|1,0>"})


_SPLITTER = ":PCVL:zip:eJyzCnAO87FydM4sSi7NLLFydfTM9K9wdI7MSg52DsyO9AkNCtWu9DANqMj3cg50hAPP9GwvBM+xEKgWwXPxRFELAAdTHXM="
