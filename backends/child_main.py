"""What runs inside a child? Close the doors, import the target, then answer one JSON frame after another."""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import resource
import signal
import struct
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backends import confine

if TYPE_CHECKING:
    from collections.abc import Callable

PR_SET_PDEATHSIG = 1
MAX_REPLY_BYTES = 256 << 20
WHERE = ("code", "line", "column", "pointer")


def main(settings: dict[str, Any]) -> None:
    """Serve until the parent closes the pipe. Libraries may print: their words go to the error pipe."""
    die_with(settings["parent"])
    requests, replies = os.fdopen(os.dup(0), "rb"), os.dup(1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    module_name, _, name = settings["target"].partition(":")
    # Files first, for the whole import; calls that no import may do without are closed after it.
    lacks = confine.files(Path(settings["home"]), package=module_name.partition(".")[0])
    module = importlib.import_module(module_name)
    function: Callable[[dict[str, Any]], dict[str, Any]] = getattr(module, name)
    getattr(module, "warm", lambda: None)()
    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    limit(settings, mapped)
    lacks += confine.calls()
    gc.collect()
    gc.freeze()
    send_all(replies, encode({"notes": lacks, "mapped": mapped}))
    serve(requests.read, replies, function)


def die_with(parent: int) -> None:
    """End when the parent's process ends, also when it ended before this line."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)


def limit(settings: dict[str, Any], mapped: int) -> None:
    """CPU time, and memory below this, are the parent's to set, call by call."""
    bounds = {
        resource.RLIMIT_AS: mapped + settings["memory_bytes"],
        resource.RLIMIT_NOFILE: settings["open_files"],
        resource.RLIMIT_FSIZE: settings["file_bytes"],
        resource.RLIMIT_CORE: 0,
    }
    for which, bound in bounds.items():
        resource.setrlimit(which, (bound, bound))


def serve(read: Callable[[int], bytes], replies: int, function: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    while len(header := read(4)) == 4:  # noqa: PLR2004  a frame's length
        body = read(*struct.unpack("!I", header))
        try:
            frame = encode({"value": function(json.loads(body))})
        except MemoryError:
            # What is left of the libraries' state is anybody's guess: start anew.
            os.write(replies, encode({"killed": "memory"}))
            os._exit(1)
        except BaseException as error:  # noqa: BLE001  pasqal_cloud's errors are no Exceptions; all must be told
            frame = encode({"error": described(error)})
        send_all(replies, frame)


def described(error: BaseException) -> dict[str, Any]:
    """Type, message, and the location that the error carries, if it does."""
    where = {name: value for name in WHERE if isinstance(value := getattr(error, name, None), (int, str))}
    return {"type": type(error).__name__, "message": str(error)[:4000], **where}


def encode(message: dict[str, Any]) -> bytes:
    body = json.dumps({"cpu": time.process_time(), **message}).encode()
    if len(body) > MAX_REPLY_BYTES:
        raise ValueError(f"the reply has {len(body)} bytes, more than {MAX_REPLY_BYTES}")
    return struct.pack("!I", len(body)) + body


def send_all(replies: int, frame: bytes) -> None:
    rest = memoryview(frame)
    while rest:
        rest = rest[os.write(replies, rest) :]


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
