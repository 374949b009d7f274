"""The process that inspects what is too heavy for the gateway's own: ``python -m broker.services.inspecting``.

Reads a line of JSON per program on standard input and answers with one; ends with its input, so it cannot outlive us.
"""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

from broker.domain.errors import ProgramInvalid
from broker.domain.program import Format, Program
from broker.intake.inspect import inspect
from broker.store.requirement_text import dump_requirement

if TYPE_CHECKING:
    from typing import BinaryIO

COURTESY = 5  # nice: whoever waits for an answer of the gateway comes first


def answered(line: bytes) -> dict[str, Any]:
    """What intake says of one program: its requirement's text, or the fault with its place."""
    asked = json.loads(line)
    try:
        need = inspect(Program(format=Format(asked["format"]), source=asked["source"], sha256=asked["sha256"]))
    except ProgramInvalid as error:
        fault = {name: getattr(error, name) for name in ("code", "detail", "line", "column", "pointer", "hint")}
        return {"fault": fault}
    return {"requirement": json.dumps(dump_requirement(need))}


def serve(asked: BinaryIO, told: BinaryIO) -> None:
    """Answer until nobody asks any more."""
    for line in asked:
        told.write(json.dumps(answered(line)).encode() + b"\n")
        told.flush()


if __name__ == "__main__":
    os.nice(COURTESY)
    serve(sys.stdin.buffer, sys.stdout.buffer)
