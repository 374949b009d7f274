"""What do adapter and host say to each other? Frames: four bytes of length, then JSON, over a Unix socket."""

from __future__ import annotations

import hashlib
import json
import os
import struct
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

Json = Any
"""What json.loads gives."""

MAX_FRAME_BYTES = 512 << 20
LENGTH = struct.Struct("!I")

_dumps = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, check_circular=False).encode


def packed(message: Json) -> bytes:
    """One frame."""
    body = _dumps(message).encode()
    return LENGTH.pack(len(body)) + body


def unpacked(buffer: bytearray) -> Iterator[Json]:
    """Take the whole frames off the front of ``buffer``.

    Raises:
        ValueError: a frame is longer than any of ours.
    """
    at = 0
    try:
        while len(buffer) - at >= LENGTH.size:
            (size,) = LENGTH.unpack_from(buffer, at)
            if size > MAX_FRAME_BYTES:
                raise ValueError(f"a frame of {size} bytes")
            if len(buffer) - at < LENGTH.size + size:
                return
            body = bytes(memoryview(buffer)[at + LENGTH.size : at + LENGTH.size + size])
            at += LENGTH.size + size
            yield json.loads(body)
    finally:
        del buffer[:at]


def receive(connection: socket.socket) -> Json:
    """The next frame of a blocking connection that has one reply outstanding."""
    (size,) = LENGTH.unpack(_exactly(connection, LENGTH.size))
    return json.loads(_exactly(connection, size))


def _exactly(connection: socket.socket, size: int) -> bytearray:
    got = bytearray(size)
    rest = memoryview(got)
    while rest:
        count = connection.recv_into(rest)
        if not count:
            raise ConnectionResetError("the local host closed the connection")
        rest = rest[count:]
    return got


@lru_cache(maxsize=1)
def edition() -> str:
    """Which code this is: a host serves callers of its own release only.

    A host outlives its workers. Without this, those of the next release would find the old one: it does not understand
    their orders, and it runs programs behind the old walls for as long as they ask.
    """
    backends = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for source in sorted((*backends.glob("*.py"), *backends.glob("local/*.py"))):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:12]


def socket_name() -> str:
    """The socket's file in the data directory."""
    return f"local-{edition()}.sock"


def host_lock_name() -> str:
    """The file that a host holds locked as long as it lives."""
    return f"local-{edition()}.host.lock"


@contextmanager
def address(data: Path) -> Iterator[str]:
    """A path to the socket that fits into 107 bytes, however long that of ``data`` is."""
    folder = os.open(data, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{socket_name()}"
    finally:
        os.close(folder)
