"""What does this machine offer, and at what price? The installed simulators, as data."""

from __future__ import annotations

import importlib.util
from functools import cache
from math import log2
from pathlib import Path
from typing import TYPE_CHECKING

from backends.local import machine
from backends.price_rows import price_rows
from broker.domain.device import Device, Kind
from broker.domain.ids import DeviceName
from broker.domain.program import Format

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME = "local"
CONCURRENCY = 2048
_PRICES = Path(__file__).with_name("prices.toml")
_GATE = frozenset({Format.OPENQASM2, Format.OPENQASM3})

# device: (what must be importable, formats, words for people)
_OFFERED: Mapping[str, tuple[tuple[str, ...], frozenset[Format], str]] = {
    "auto": (("qiskit", "qiskit_aer"), _GATE, "engine and method chosen per program; the reason stands in the result"),
    "aer": (("qiskit", "qiskit_aer"), _GATE, "Qiskit Aer; small programs by their exact distribution"),
    "qsim": (("qiskit", "qiskit_aer", "qsimcirq"), _GATE, "qsim, single precision; measurement at the end only"),
    "pulser": (("pulser_simulation",), frozenset({Format.PULSER}), "Pulser's QuTiP emulator"),
    "perceval": (("perceval",), frozenset({Format.PERCEVAL}), "Perceval's SLOS and sampling simulators"),
    "ahs": (("braket.default_simulator",), frozenset({Format.AHS}), "Braket's Rydberg simulator"),
}
_WIDTH = {"pulser": 14, "ahs": 14, "perceval": 64}


def offered(*, max_run_ms: int, waiting: int | None) -> tuple[Device, ...]:
    """The installed ones, with the memory that is free now."""
    memory = machine.free_memory_bytes()
    return tuple(
        Device(
            name=DeviceName(f"{NAME}/{short}"),
            backend=NAME,
            vendor_id=short,
            kind=Kind.SIMULATOR,
            accepts=formats,
            width=int(log2(memory / 8)) if short == "qsim" else _WIDTH.get(short),
            max_photons=12 if short == "perceval" else None,
            max_memory_bytes=memory,
            dynamic=short in {"auto", "aer"},
            queue_depth=waiting,
            concurrency=CONCURRENCY,
            provider=NAME,
            price=price_rows(_PRICES, "price")[f"{NAME}/{short}"],
            max_run_ms=max_run_ms,
            typical_run_ms=_TYPICAL_MS.get(short, 1_000),
            notes=notes,
            methods=("stabilizer", "matrix_product_state", "statevector") if short in {"auto", "aer"} else (),
        )
        for short, (modules, formats, notes) in _OFFERED.items()
        if installed(modules)
    )


_TYPICAL_MS = {"auto": 10, "aer": 20, "qsim": 20}


@cache
def installed(modules: tuple[str, ...]) -> bool:
    """Whether all are there; imports no more than their outermost packages."""
    return all(_found(module) for module in modules)


def _found(module: str) -> bool:
    outer, _, inner = module.partition(".")
    spec = importlib.util.find_spec(outer)
    if spec is None or not inner:
        return spec is not None
    return any(Path(folder, inner).is_dir() for folder in spec.submodule_search_locations or ())
