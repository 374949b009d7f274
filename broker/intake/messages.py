"""Which fields may the protobuf messages of a Perceval circuit have? Each with the kind of value that may stand there.

Field numbers of Perceval's circuit.proto as its 1.x releases write them (perceval.serialization). What is not listed is
refused: feed-forward and compiled circuits, symbolic matrices (which Perceval would have sympy evaluate), and whatever
a later release adds.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


class Kind(Enum):
    """What a field that holds no message holds."""

    WHOLE = "a whole number"
    WHOLES = "whole numbers, packed or not"
    REAL = "a double"
    LABEL = "a text for people"
    SYMBOL = "the name of a free parameter"
    NAME = "the name of a parameter, or its expression"
    EXPRESSION = "arithmetic on parameters"
    STATE = "a Fock state"
    NOISE = "a noise model"
    SELECTION = "a post-selection"


Fields = dict[int, "Kind | str"]
"""By number: a kind, or the name of a message."""

_ENTRY: Final[Fields] = {1: Kind.WHOLE}
MESSAGES: Final[Mapping[str, Fields]] = {
    "Circuit": {1: Kind.LABEL, 2: Kind.WHOLE, 3: Kind.LABEL, 4: "Component"},
    "Experiment": {
        1: Kind.STATE,
        2: Kind.LABEL,
        3: Kind.NOISE,
        4: Kind.SELECTION,
        5: "PortEntry",
        6: "PortEntry",
        7: "DetectorEntry",
        8: Kind.WHOLE,
        9: "Component",
        10: Kind.WHOLE,
    },
    "Component": {
        1: Kind.WHOLE,
        2: Kind.WHOLE,
        3: Kind.REAL,
        4: Kind.LABEL,
        10: "Circuit",
        11: "PhaseShifter",
        12: "BeamSplitter",
        14: "Permutation",
        15: "Unitary",
        16: "WavePlate",
        17: "WavePlate",
        18: "WavePlate",
        19: "OneParameter",
        20: "OneParameter",
        21: "PolarizedBeamSplitter",
        22: "Barrier",
        23: "OneParameter",
    },
    "PhaseShifter": {1: "Parameter", 2: "Parameter"},
    "BeamSplitter": {1: Kind.WHOLE} | dict.fromkeys(range(2, 7), "Parameter"),
    "Permutation": {1: Kind.WHOLES},
    "Unitary": {1: "Matrix", 2: Kind.LABEL, 3: Kind.WHOLE},
    "WavePlate": {1: "Parameter", 2: "Parameter"},
    "OneParameter": {1: "Parameter"},
    "PolarizedBeamSplitter": {},
    "Barrier": {1: Kind.WHOLE},
    "PortEntry": _ENTRY | {2: "APort"},
    "APort": {1: "Port", 2: "Herald"},
    "Port": {1: Kind.LABEL, 2: Kind.WHOLE},
    "Herald": {1: Kind.WHOLE, 2: Kind.LABEL, 3: Kind.WHOLE},
    "DetectorEntry": _ENTRY | {2: "IDetector"},
    "IDetector": {1: "Layers", 2: "Detector"},
    "Layers": {1: Kind.LABEL, 2: Kind.WHOLE, 3: Kind.REAL},
    "Detector": {1: Kind.LABEL, 2: Kind.WHOLE, 3: Kind.WHOLE, 4: Kind.REAL},
    "Parameter": {1: Kind.REAL, 2: Kind.SYMBOL, 3: Kind.EXPRESSION, 4: Kind.NAME, 5: "Parameter"},
    "Matrix": {1: Kind.WHOLE, 2: Kind.WHOLE, 3: "Numbers"},
}
# Fields that may stand more than once. Of any other a reader of protobuf takes the last, or merges them, and who reads
# the first has checked another circuit than runs.
REPEATED: Final = frozenset(
    {
        ("Circuit", 4),
        ("Experiment", 5),
        ("Experiment", 6),
        ("Experiment", 7),
        ("Experiment", 9),
        ("Permutation", 1),
        ("Parameter", 5),
    }
)
FIRST_KIND: Final = 10
"""From this number on, the fields of a component say what it is."""
