"""Which format is this program? Guessed from the file's name and its first words; never executed."""

# ruff: noqa: PTH123  pathlib takes 15 ms, half of the client's start
from __future__ import annotations

import re
import sys

from qsubmit.errors import ProgramInvalid, Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FORMATS = ("openqasm2", "openqasm3", "pulser", "ahs", "perceval")
PERCEVAL_TEXT = ":PCVL:"
_COMMENT = r"(?s)//[^\n]*|/\*(?:.*?\*/|.*)"
_VERSION = r"\s*OPENQASM\s+(\d+)"
_QASM_WORDS = r"(?m)^\s*(?:OPENQASM|include|qreg|creg|qubit|bit|gate|#pragma braket)\b"
_QASM3_WORDS = r"(?m)^\s*(?:qubit|bit|input|output|#pragma)\b|\"stdgates\.inc\""
_JSON_KEYS = (
    ("ahs", ("hamiltonian", "setup")),
    ("pulser", ("operations", "channels")),
    ("pulser", ("operations", "register")),
    ("perceval", ("experiment",)),
    ("perceval", ("circuit",)),
)


def read(file: str) -> str:
    """The text of ``file``; ``-`` is standard input.

    Raises:
        Usage: there is no such file, or it cannot be read.
        ProgramInvalid: it is not UTF-8 text.
    """
    try:
        raw = sys.stdin.buffer.read() if file == "-" else _bytes(file)
    except OSError as trouble:
        reason = trouble.strerror or str(trouble)
        raise Usage(f"cannot read {file}: {reason.lower()}", code="file_unreadable") from trouble
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as trouble:
        raise ProgramInvalid(f"{file} is not UTF-8 text: byte {trouble.start}", code="program_not_text") from trouble


def _bytes(file: str) -> bytes:
    with open(file, "rb") as opened:
        return opened.read()


def guess(file: str, source: str) -> str:
    """The format of ``source``.

    Raises:
        Usage: nothing fits; the hint says how to name it.
    """
    if source.lstrip().startswith(PERCEVAL_TEXT):
        return "perceval"
    is_json = source.lstrip()[:1] in {"{", "["}
    found = _guess_json(source) if is_json else _guess_text(file.lower(), source)
    if found:
        return found
    shown = "standard input" if file == "-" else file
    raise Usage(f"cannot tell the format of {shown}", code="format_unknown", hint=f"--format {'|'.join(FORMATS)}")


def wire_form(format: str, source: str) -> str:  # noqa: A002  the word of the API
    """The source as the API takes it: bare text of Perceval's serializer becomes the JSON payload that holds it."""
    text = source.strip()
    if format != "perceval" or not text.startswith(PERCEVAL_TEXT):
        return source
    import json

    return json.dumps({"experiment" if _tag(text) == "Experiment" else "circuit": text})


def _tag(text: str) -> str:
    """What the text serializes: ``ACircuit``, ``Experiment``, ... (the start of compressed text says it)."""
    _, _, tag, coded = (text + ":::").split(":", 3)
    if tag != "zip":
        return tag
    import base64
    import zlib

    try:
        packed = base64.b64decode(coded.rstrip(":"))
        start = zlib.decompressobj().decompress(packed, 64).decode("ascii", "replace")
    except (ValueError, zlib.error):
        return tag
    return (start + "::").split(":")[2]


def _guess_text(name: str, source: str) -> str | None:
    bare = re.sub(_COMMENT, " ", source)
    version = re.match(_VERSION, bare)
    if version:
        return "openqasm3" if int(version[1]) >= 3 else "openqasm2"  # noqa: PLR2004  the language's own number
    if name.endswith(".qasm3") or re.search(_QASM3_WORDS, bare):
        return "openqasm3"
    return "openqasm2" if name.endswith((".qasm", ".qasm2")) or re.search(_QASM_WORDS, bare) else None


def _guess_json(source: str) -> str | None:
    import json

    try:
        document: Any = json.loads(source)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    if "AHS" in str(document.get("braketSchemaHeader", "")).upper():
        return "ahs"
    for name, keys in _JSON_KEYS:
        if all(key in document for key in keys):
            return name
    return "perceval" if PERCEVAL_TEXT in source else None
