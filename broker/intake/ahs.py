"""What does a Braket analog Hamiltonian simulation need? Its atoms, its time and its kinds of drive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from broker.domain.program import Paradigm
from broker.domain.requirement import Requirement
from broker.intake.jsontext import load
from broker.intake.shape import check, refuse, schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from broker.domain.program import Program
    from broker.intake.limits import Limits

    Path = tuple[str | int, ...]

_US_PER_S = 1e6


def inspect_ahs(program: Program, limits: Limits) -> Requirement:
    """The demands of an AHS program; the filled sites are its atoms."""
    document = load(program.source, limits)
    check(document, schema("ahs"))
    atoms = _atoms(document["setup"]["ahs_register"])
    sites = len(document["setup"]["ahs_register"]["sites"])
    duration = 0.0
    uniform = True
    for path, field in _fields(document["hamiltonian"]):
        duration = max(duration, _end(field["time_series"], (*path, "time_series"), limits))
        uniform = uniform and field["pattern"] == "uniform"
        if isinstance(field["pattern"], list) and len(field["pattern"]) != sites:
            refuse((*path, "pattern"), f"has {len(field['pattern'])} values for {sites} sites")
    return Requirement(
        format=program.format,
        paradigm=Paradigm.ANALOG,
        width=atoms,
        operations=len(document["hamiltonian"]["drivingFields"]),
        duration_us=duration,
        global_drive=uniform,
        implicit_measurement=True,
    )


def _atoms(register: Mapping[str, Any]) -> int:
    path = ("setup", "ahs_register")
    sites, filling = register["sites"], register["filling"]
    if len(sites) != len(filling):
        refuse((*path, "filling"), f"has {len(filling)} values for {len(sites)} sites")
    places: set[tuple[float, float]] = set()
    for number, site in enumerate(sites):
        place = (float(site[0]), float(site[1]))
        if place in places:
            refuse((*path, "sites", number), "is the place of another site", code="program_redefined")
        places.add(place)
    if not sum(filling):
        refuse((*path, "filling"), "no site is filled", code="program_empty")
    return sum(filling)


def _fields(hamiltonian: Mapping[str, Any]) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    if "shiftingFields" in hamiltonian and "localDetuning" in hamiltonian:
        refuse(("hamiltonian", "shiftingFields"), "is the old name of localDetuning; give one of them")
    for key in ("drivingFields", "shiftingFields", "localDetuning"):
        for number, drive in enumerate(hamiltonian.get(key, ())):
            for name, field in drive.items():
                yield ("hamiltonian", key, number, name), field


def _end(series: Mapping[str, Any], path: Path, limits: Limits) -> float:
    """The last time of a series in microseconds; its times must grow from 0."""
    times = [float(time) for time in series["times"]]
    if len(times) != len(series["values"]):
        refuse((*path, "values"), f"has {len(series['values'])} values for {len(times)} times")
    if times[0] != 0:
        refuse((*path, "times", 0), "the first time must be 0")
    late = next((number for number in range(1, len(times)) if not times[number - 1] < times[number]), None)
    if late is not None:
        refuse((*path, "times", late), "times must grow")
    if times[-1] * _US_PER_S > limits.duration_us:
        refuse((*path, "times"), f"longer than {limits.duration_us} us", code="program_too_long")
    return times[-1] * _US_PER_S
