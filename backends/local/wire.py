"""What do adapter and host say to each other? Frames: four bytes of length, then JSON, over a Unix socket."""

from __future__ import annotations

import json
import os
import struct
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

Json = Any
"""What json.loads gives."""

MAX_FRAME_BYTES = 512 << 20
SOCKET = "local.sock"
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


@contextmanager
def address(data: Path) -> Iterator[str]:
    """A path to the socket that fits into 107 bytes, however long that of ``data`` is."""
    folder = os.open(data, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{SOCKET}"
    finally:
        os.close(folder)
