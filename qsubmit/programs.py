"""Which format is this program? Guessed from the file's name and its first words; never executed."""

from __future__ import annotations

import os
import re
import sys

from qsubmit.errors import ProgramInvalid, Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FORMATS = ("openqasm2", "openqasm3", "pulser", "ahs", "perceval")
PERCEVAL_TEXT = ":PCVL:"
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_VERSION = re.compile(r"\s*OPENQASM\s+(\d+)")
_QASM_WORDS = re.compile(r"^\s*(?:OPENQASM|include|qreg|creg|qubit|bit|gate|#pragma braket)\b", re.MULTILINE)
_QASM3_WORDS = re.compile(r"^\s*(?:qubit|bit|input|output|#pragma)\b|\"stdgates\.inc\"", re.MULTILINE)
_JSON_KEYS = (
    ("ahs", ("hamiltonian", "setup")),
    ("pulser", ("operations", "channels")),
    ("pulser", ("operations", "register")),
    ("perceval", ("perceval",)),
    ("perceval", ("circuit",)),
    ("perceval", ("components",)),
    ("perceval", ("experiment",)),
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
    if source.lstrip()[:1] in {"{", "["}:
        found = _guess_json(source)
    else:
        found = _guess_text(os.path.splitext(file)[1].lower(), source)
    if found:
        return found
    shown = "standard input" if file == "-" else file
    raise Usage(f"cannot tell the format of {shown}", code="format_unknown", hint=f"--format {'|'.join(FORMATS)}")


def _guess_text(extension: str, source: str) -> str | None:
    bare = _COMMENT.sub(" ", source)
    version = _VERSION.match(bare)
    if version:
        return "openqasm3" if int(version[1]) >= 3 else "openqasm2"  # noqa: PLR2004  the language's own number
    if extension == ".qasm3" or _QASM3_WORDS.search(bare):
        return "openqasm3"
    return "openqasm2" if extension in {".qasm", ".qasm2"} or _QASM_WORDS.search(bare) else None


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
