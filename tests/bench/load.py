"""How fast does a server answer? Keep-alive connections that send one prepared request after the other."""

from __future__ import annotations

import asyncio
import sys
import time


async def _one(host: str, port: int, requests: list[bytes], accepted: tuple[bytes, ...]) -> int:
    reader, writer = await asyncio.open_connection(host, port)
    good = 0
    for request in requests:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        good += head[9:12] in accepted
    writer.close()
    return good


async def fire(
    host: str, port: int, requests: list[bytes], *, connections: int, accepted: tuple[bytes, ...] = (b"200", b"202")
) -> tuple[int, float]:
    """(good answers, seconds) of sending every request once over ``connections`` connections."""
    began = time.perf_counter()
    shares = [requests[place::connections] for place in range(connections)]
    good = sum(await asyncio.gather(*(_one(host, port, share, accepted) for share in shares)))
    return good, time.perf_counter() - began


def post(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """One HTTP/1.1 POST request."""
    lines = [f"POST {path} HTTP/1.1", "Host: bench", "Content-Type: application/json", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def main() -> None:
    """``python -m tests.bench.load HOST PORT CONNECTIONS`` with length-prefixed requests on standard input."""
    host, port, connections = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    stream, requests = sys.stdin.buffer, []
    while prefix := stream.read(4):
        requests.append(stream.read(int.from_bytes(prefix, "big")))
    good, seconds = asyncio.run(fire(host, port, requests, connections=connections))
    sys.stdout.write(f"{good} {seconds}\n")


if __name__ == "__main__":
    main()
