"""What does one child do in its life? Close the doors, then answer one JSON frame after another."""

from __future__ import annotations

import json
import os
import resource
import struct
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backends import apart, calls, confine, descriptors, newborn

if TYPE_CHECKING:
    from collections.abc import Callable

    Function = Callable[[dict[str, Any]], dict[str, Any]]

MAX_REPLY_BYTES = 256 << 20
WHERE = ("code", "line", "column", "pointer")
OWN_FOLDERS = ("HOME", "TMPDIR", "PCVL_PERSISTENT_PATH", "NUMBA_CACHE_DIR", "MPLCONFIGDIR")


@dataclass(frozen=True, slots=True)
class Birth:
    """What a child is made with; ``kept`` are the descriptors that the libraries opened before any program came."""

    settings: dict[str, Any]
    ends: list[int]
    kept: set[int]
    function: Function


def live(birth: Birth, *, lacks: list[str], user: int | None) -> None:
    """Serve until the parent closes the pipe. Libraries may print: their words go to the error pipe."""
    requests, replies, errors, _ = birth.ends
    os.dup2(errors, 1)
    os.dup2(errors, 2)
    descriptors.close_all_but({*birth.kept, 0, 1, 2, requests, replies})
    descriptors.silence(birth.kept)
    newborn.be_unlike_others()
    lacks = [*lacks, *_behind_walls(birth.settings, user)]
    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    _limit(birth.settings, mapped)
    lacks += calls.close_calls()
    send_all(replies, encode({"lacks": lacks, "mapped": mapped}))
    with os.fdopen(requests, "rb") as reader:
        serve(reader.read, replies, birth.function)
    os._exit(0)


def _behind_walls(settings: dict[str, Any], user: int | None) -> list[str]:
    """Files, user, powers: in the order in which each still can be done. Returns what is lacking."""
    home, package = Path(settings["home"]), settings["package"]
    shared = [Path(settings["cache"]), Path(settings["template_home"])]
    lacks, powers = confine.close_files(package=package, writable=[home], readable=shared), 0
    if user is None:
        lacks.append("user")
    else:
        reads = confine.readable_paths(package)
        more, powers = apart.take_user(user, home, reads, confined="files" not in lacks)
        lacks += more
    apart.drop_powers(powers)
    apart.die_with_parent()
    apart.die_of_cpu_limit()
    os.chdir(home)
    os.environ.update(dict.fromkeys(OWN_FOLDERS, str(home)))
    tempfile.tempdir = None
    return lacks


def _limit(settings: dict[str, Any], mapped: int) -> None:
    """CPU time, and memory below this, are the parent's to set, call by call."""
    bounds = {
        resource.RLIMIT_AS: mapped + settings["memory_bytes"],
        resource.RLIMIT_NOFILE: settings["open_files"],
        resource.RLIMIT_FSIZE: settings["file_bytes"],
        resource.RLIMIT_CORE: 0,
    }
    for which, bound in bounds.items():
        resource.setrlimit(which, (bound, bound))


def serve(read: Callable[[int], bytes], replies: int, function: Function) -> None:
    """Until the pipe is closed."""
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
    """A frame of a reply."""
    body = json.dumps({"cpu": time.process_time(), **message}).encode()
    if len(body) > MAX_REPLY_BYTES:
        raise ValueError(f"the reply has {len(body)} bytes, more than {MAX_REPLY_BYTES}")
    return struct.pack("!I", len(body)) + body


def send_all(replies: int, frame: bytes) -> None:
    """However many writes it takes."""
    rest = memoryview(frame)
    while rest:
        rest = rest[os.write(replies, rest) :]
