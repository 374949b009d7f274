"""Which of Perceval's serialised objects may be opened? Those of an allow-list, one layer deep, of bounded size."""

from __future__ import annotations

import base64
import binascii
import zlib
from typing import Any, TypeAlias

from broker.intake.limits import LIMITS
from broker.intake.photonics import Photonics, UnusableError

PREFIX = ":PCVL:"
_ZIP = PREFIX + "zip:"
MAX_BYTES = 64 << 20

PROGRAM = frozenset({"ACircuit", "Experiment", "BasicState", "NoiseModel", "PostSelect"})
_INSPECTED = frozenset({"ACircuit", "Experiment"})
RESULTS = frozenset({"BSCount", "BSDistribution", "BSSamples"})


# An object of Perceval's, which has no types.
Foreign: TypeAlias = Any


class Unfit(ValueError):
    """A text that we do not open; ``code`` and ``pointer`` cross the border of the child with it."""

    def __init__(self, message: str, *, code: str = "program_invalid", pointer: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.pointer = pointer


def opened(text: str, allowed: frozenset[str]) -> Foreign:
    """The object of a ``:PCVL:`` text. Only ever called in a child process.

    Raises:
        Unfit: it is no such text, of a type that is not allowed, or too long.
    """
    plain = _unzipped(text)
    kind = plain.removeprefix(PREFIX).partition(":")[0]
    if not plain.startswith(PREFIX) or kind not in allowed:
        raise Unfit(f"a Perceval object of type {kind[:40]!r} is not opened here")
    if kind in _INSPECTED:
        _inspect(kind, plain)
    from perceval.serialization import deserialize

    try:
        return deserialize(plain)
    except Exception as error:  # Perceval and protobuf raise what they like on broken text
        raise Unfit(f"not a Perceval {kind}: {type(error).__name__}") from error


def _inspect(kind: str, plain: str) -> None:
    """What intake asks, asked again: a sandbox hears from others than us, and Perceval opens any text inside a text."""
    try:
        message = base64.b64decode(plain.removeprefix(f"{PREFIX}{kind}:"), validate=True)
        Photonics(message, kind, LIMITS)
    except (binascii.Error, ValueError) as error:
        raise Unfit(f"not a Perceval {kind}: the text is not base64") from error
    except UnusableError as error:
        raise Unfit(error.detail, code=error.code) from error


def _unzipped(text: str) -> str:
    if not text.startswith(_ZIP):
        return text
    inflater = zlib.decompressobj()
    try:
        packed = base64.b64decode(text[len(_ZIP) :], validate=True)
        plain = inflater.decompress(packed, MAX_BYTES)
    except (binascii.Error, zlib.error, ValueError) as error:
        raise Unfit("a zipped Perceval text cannot be unpacked") from error
    if inflater.unconsumed_tail or not inflater.eof:
        raise Unfit(f"a Perceval text of more than {MAX_BYTES} bytes")
    return plain.decode("utf-8", errors="replace")
