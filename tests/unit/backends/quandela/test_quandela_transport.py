"""Does a request reach the vendor once, and does the transport say truly what is in doubt?"""

from __future__ import annotations

import socket
import threading
import time

import pytest

from backends.quandela.settings import Secret, Settings
from backends.quandela.transport import Transport, Unanswered, Unsent

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n" + b'{"job_id":"1"}'


class Vendor:
    """Accepts connections and plays one script per connection; keeps what it was sent."""

    def __init__(self, script):
        self.script = script
        self.heard = []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                line, _ = self.socket.accept()
            except OSError:
                return
            with line:
                self.heard.append(line.recv(65536))
                self.script(line)

    def close(self):
        self.socket.close()


@pytest.fixture
def vendor():
    started = []

    def start(script):
        started.append(Vendor(script))
        return started[-1]

    yield start
    for each in started:
        each.close()


def transport(url):
    return Transport(Settings(url=url, token=Secret("tok"), platforms=(), sandbox=False))


def drip(pause):
    def script(line):
        try:
            for byte in OK:
                line.sendall(bytes((byte,)))
                time.sleep(pause)
        except OSError:
            return

    return script


def ask(url, timeout_s=2.0):
    return transport(url).ask("POST", "/api/jobs", timeout_s=timeout_s, body={"job_name": "n"})


def test_a_whole_answer_is_read(vendor):
    there = vendor(lambda line: line.sendall(OK))
    assert ask(there.url).document == {"job_id": "1"}
    assert b"Bearer tok" in there.heard[0]
    assert b"Connection: close" in there.heard[0]


def test_a_closed_port_is_unsent():
    with socket.create_server(("127.0.0.1", 0)) as once:
        port = once.getsockname()[1]
    with pytest.raises(Unsent):
        ask(f"http://127.0.0.1:{port}")


@pytest.mark.parametrize(
    "script",
    [
        lambda line: None,
        lambda line: line.sendall(b"nonsense\r\n\r\n"),
        lambda line: line.sendall(OK[:-5]),
        lambda line: time.sleep(0.6),
    ],
    ids=["closed", "no HTTP", "cut body", "silence"],
)
def test_no_whole_answer_is_unanswered_and_is_not_asked_again(vendor, script):
    there = vendor(script)
    with pytest.raises(Unanswered):
        ask(there.url, timeout_s=0.3)
    time.sleep(0.05)
    assert len(there.heard) == 1


def test_bytes_that_trickle_in_do_not_stretch_the_time(vendor):
    there = vendor(drip(0.05))
    started = time.monotonic()
    with pytest.raises(Unanswered):
        ask(there.url, timeout_s=0.4)
    assert time.monotonic() - started < 1.0


def test_a_redirect_is_not_followed(vendor):
    there = vendor(
        lambda line: line.sendall(b"HTTP/1.1 307 T\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n")
    )
    assert ask(there.url).status == 307
    assert len(there.heard) == 1


@pytest.mark.parametrize("content", [b"[1]", b"<html>", b"", b"[" * 100_000])
def test_what_is_no_json_object_is_no_document(vendor, content):
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(content)
    there = vendor(lambda line: line.sendall(head + content))
    assert ask(there.url).document is None


def test_errors_do_not_hold_the_token(vendor):
    there = vendor(lambda line: None)
    with pytest.raises(Unanswered) as caught:
        ask(there.url)
    assert "tok" not in repr(caught.value)
    assert caught.value.__cause__ is None
