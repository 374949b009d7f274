"""Is this AHS program the order's sequence? What a child wrote is put together again, from its numbers alone."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from backends.translation import Untrue, parts_of, text_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from backends.base import Order

LONGEST_S = 4e-6
MOST_KNOTS = 100
_NUMBER = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{1,20})?(?:E[+-]?[0-9]{1,2})?", re.ASCII)
_FIELDS = ("amplitude", "detuning", "phase")


def atoms_of(answer: Mapping[str, Any], order: Order, *, most: int) -> dict[str, Any]:
    """The AHS document: the order's atoms, one uniform drive, no local detuning.

    Raises:
        Untrue: it is anything else.
    """
    (source,) = parts_of(answer, ("source",))
    try:
        program = json.loads(text_of(source, most=most))
        return _rebuilt(program, atoms=order.requirement.width)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Untrue("it is no AHS program") from None


def _rebuilt(program: Mapping[str, Any], *, atoms: int) -> dict[str, Any]:
    sites = [[_number(x), _number(y)] for x, y in program["setup"]["ahs_register"]["sites"]]
    if len(sites) != atoms:
        raise Untrue(f"it has {len(sites)} atoms, the program {atoms}")
    (drive,) = program["hamiltonian"]["drivingFields"]
    rebuilt = {
        "braketSchemaHeader": {"name": "braket.ir.ahs.program", "version": "1"},
        "setup": {"ahs_register": {"sites": sites, "filling": [1] * atoms}},
        "hamiltonian": {"drivingFields": [{name: _field(drive[name]) for name in _FIELDS}], "localDetuning": []},
    }
    if rebuilt != program:
        raise Untrue("it asks for more than atoms and one uniform drive")
    return rebuilt


def _field(field: Mapping[str, Any]) -> dict[str, Any]:
    series = field["time_series"]
    times, values = [_number(one) for one in series["times"]], [_number(one) for one in series["values"]]
    if len(times) != len(values) or len(times) > MOST_KNOTS or float(times[-1]) > LONGEST_S:
        raise Untrue("its drive is longer than the machine's")
    return {"time_series": {"times": times, "values": values}, "pattern": "uniform"}


def _number(text: object) -> str:
    if not isinstance(text, str) or not _NUMBER.fullmatch(text):
        raise Untrue("it holds a number that is none")
    return text
