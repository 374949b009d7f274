"""How is something heavy done once? In a forked child, so that the libraries it needs do not stay with us."""

from __future__ import annotations

import importlib
import json
import os
import time
import traceback
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

LOOK_S = 0.02
EXPECTED = (RuntimeError, OSError, ValueError)  # told in one line; TimeoutError is an OSError


def forked(target: str, *arguments: object, meanwhile: Callable[[], None] = lambda: None) -> Any:  # noqa: ANN401  JSON
    """The JSON value that ``target`` ("package.module:function"), imported in a child, gives there.

    ``meanwhile`` is called while it runs, and what that raises ends the child.

    Raises:
        RuntimeError: the function raised; what was not expected of it is on standard error.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _act(target, arguments, writer)
    os.close(writer)
    with open(reader, "rb") as told:  # noqa: PTH123  a descriptor
        os.set_blocking(reader, False)
        try:
            body = _told(told, child, meanwhile)
        except BaseException:
            os.kill(child, 9)
            os.waitpid(child, 0)
            raise
    answer = json.loads(body or b'{"error": "a child of ours ended without a word"}')
    if "error" in answer:
        raise RuntimeError(answer["error"])
    return answer["value"]


def _told(told: Any, child: int, meanwhile: Callable[[], None]) -> bytes:  # noqa: ANN401  a binary file
    body = b""
    while True:
        ended = os.waitpid(child, os.WNOHANG)[0] == child
        body += told.read() or b""
        if ended:
            return body
        meanwhile()
        time.sleep(LOOK_S)


def _act(target: str, arguments: tuple[object, ...], writer: int) -> None:
    module, _, name = target.partition(":")
    try:
        answer = {"value": getattr(importlib.import_module(module), name)(*arguments)}
    except EXPECTED as error:
        answer = {"error": str(error)}
    except BaseException as error:  # noqa: BLE001  nothing may get out of the child into the parent's code
        traceback.print_exc()
        answer = {"error": f"{type(error).__name__}: {error}"}
    body = json.dumps(answer).encode()
    while body:
        body = body[os.write(writer, body) :]
    os._exit(0)
