"""How does a program become the experiment of a create request? Runs in a child process; sends nothing."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from backends.quandela import gates
from backends.quandela.serial import PROGRAM, Foreign, Unfit, opened

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def compose(request: dict[str, Any]) -> dict[str, Any]:
    """``format``, ``source``, ``points``, ``bounds`` → ``experiment`` (Perceval's text) and ``bits``.

    Nothing else: what is asked of which platform is not for a process to say that has read a stranger's program.
    ``bits`` is what reading a gate circuit's result needs, or None.

    Raises:
        Unfit: the program cannot be sent; nothing was.
    """
    from perceval.serialization import serialize

    if request["format"] != "perceval":
        experiment, bits = gates.experiment_of(request)
        return {"experiment": serialize(experiment), "bits": bits}
    return {"experiment": serialize(experiment_of(_document(request["source"]))), "bits": None}


def _document(source: str) -> dict[str, Any]:
    try:
        document = json.loads(source)
    except ValueError as error:
        raise Unfit("the program is not JSON") from error
    if not isinstance(document, dict):
        raise Unfit("the program is no JSON object", pointer="")
    return document


def experiment_of(document: Mapping[str, Any]) -> Foreign:
    """The experiment of a program in the form that broker/intake/perceval.py admits: circuit, input, noise, filter."""
    from perceval import Experiment

    if "experiment" in document:
        experiment = _opened(document, "experiment")
    else:
        experiment = Experiment(_opened(document, "circuit"))
    if "input_state" in document:
        with _blaming("input_state"):
            experiment.with_input(_state(document["input_state"]))
    if experiment.input_state is None:
        raise Unfit("the program has no input state", pointer="/input_state")
    _surround(experiment, document)
    return experiment


def _surround(experiment: Foreign, document: Mapping[str, Any]) -> None:
    from perceval import NoiseModel

    with _blaming("noise"):
        if document.get("noise") is not None:
            experiment.noise = NoiseModel(**document["noise"])
    with _blaming("min_detected_photons"):
        least = document.get("min_detected_photons")
        if least is not None:
            experiment.min_detected_photons_filter(least)
        elif experiment.min_photons_filter is None:
            heralded = sum(experiment.heralds.values())
            experiment.min_detected_photons_filter(experiment.input_state.n - heralded)


@contextmanager
def _blaming(name: str) -> Iterator[None]:
    """Perceval refuses with assertions and errors of many types; the user wants to know where."""
    try:
        yield
    except Unfit as error:
        raise Unfit(str(error), pointer=error.pointer or f"/{name}") from error
    except Exception as error:
        raise Unfit(f"{name}: {error}"[:500], pointer=f"/{name}") from error


def _opened(document: Mapping[str, Any], name: str) -> Foreign:
    text = document.get(name)
    with _blaming(name):
        if not isinstance(text, str):
            raise Unfit(f"{name} is missing or no text")
        return opened(text, PROGRAM)


def _state(text: object) -> Foreign:
    from perceval import BasicState

    if not isinstance(text, str):
        raise Unfit("not an input state")
    return BasicState(text.rpartition(":")[2])
