"""What does a library do with a program inside a child? The real function behind an audit hook that tells.

A child's target in place of the real one, which ``QSUBMIT_FUZZ_TARGET`` names. What the hook hears goes back with the
answer, and to the error pipe at once, for a child that is killed answers nothing.
"""

from __future__ import annotations

import builtins
import importlib
import os
import sys
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING, Any

from tests.support.hostile.attacks import CANARY, MARKS

if TYPE_CHECKING:
    from collections.abc import Callable

HEARD = "HEARD "
# Nothing that a program may make a library do.
NEVER = frozenset(
    (
        *("os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty", "os.kill", "os.putenv"),
        *("subprocess.Popen", "pty.spawn", "socket.connect", "socket.bind", "socket.getaddrinfo", "urllib.Request"),
        *("pickle.find_class", "marshal.loads", "shutil.rmtree", "code.__new__", "function.__new__"),
        *("webbrowser.open", "ctypes.dlopen", "sys.settrace", "sys.setprofile"),
    )
)
# What libraries do by themselves, and a program must not be what they do it with.
WATCHED = frozenset(
    (
        *("compile", "exec", "import", "open", "os.listdir", "os.scandir", "os.mkdir", "os.remove", "os.rename"),
        *("os.chmod", "os.utime", "os.symlink", "glob.glob", "object.__getattr__", "re.compile"),
    )
)
# Events of NEVER that imports of a library's own parts raise: from inside the import system only.
_IMPORTING = frozenset({"marshal.loads", "ctypes.dlopen", "code.__new__", "function.__new__", "sys.settrace"})
_MOST = 20
_SHORTEST = 6

_heard: list[str] = []
_program: list[str] = [""]
_real: list[Callable[[dict[str, Any]], dict[str, Any]]] = []


def warm() -> None:
    """Warm the real one; listen from then on."""
    module_name, _, name = os.environ["QSUBMIT_FUZZ_TARGET"].partition(":")
    module = importlib.import_module(module_name)
    getattr(module, "warm", lambda: None)()
    _real.append(getattr(module, name))
    sys.addaudithook(_hear)


def watched(request: dict[str, Any]) -> dict[str, Any]:
    """``{request, program}`` → ``{value | error, heard}``; ``program`` is the text that the request came from."""
    _heard.clear()
    _program[0] = request["program"]
    try:
        answer: dict[str, Any] = {"value": _real[0](request["request"])}
    except MemoryError:
        raise
    except BaseException as error:  # noqa: BLE001  any error is an answer here
        answer = {"error": f"{type(error).__name__}: {error}"[:2000]}
    _program[0] = ""
    if Path(CANARY).exists():
        _heard.append("the canary file was made")
        Path(CANARY).unlink()
    if hasattr(builtins, CANARY):
        _heard.append("the canary stands among the builtins")
        delattr(builtins, CANARY)
    return answer | {"heard": _heard[:_MOST]}


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in NEVER and event not in WATCHED:
        return
    if not _program[0]:
        return
    texts = [text for argument in arguments for text in _texts(argument)]
    bad = event in NEVER and not (event in _IMPORTING and _importing())
    if bad or _from_program(event, texts):
        line = f"{event}: {' '.join(texts)[:200]!r}"
        _heard.append(line)
        os.write(2, f"{HEARD}{line}\n".encode(errors="replace"))


def _texts(argument: object) -> list[str]:
    if isinstance(argument, str):
        return [argument]
    if isinstance(argument, bytes):
        return [argument.decode(errors="replace")]
    if isinstance(argument, CodeType):
        return [*argument.co_names, *(value for value in argument.co_consts if isinstance(value, str))]
    return []


def _from_program(event: str, texts: list[str]) -> bool:
    """Whether an event carries a mark of an attack, or compiles or opens what stands so in the program."""
    if any(mark in text for text in texts for mark in MARKS):
        return True
    if event not in ("compile", "open") or not texts:
        return False
    text = texts[0].strip()
    return len(text) >= _SHORTEST and text in _program[0]


def _importing() -> bool:
    frame = sys._getframe(2)
    while frame is not None:
        if frame.f_globals.get("__name__") == "importlib._bootstrap":
            return True
        frame = frame.f_back  # type: ignore[assignment]
    return False
