"""Does a request reach the server once, and does the transport say truly what is in doubt?"""

from __future__ import annotations

import gzip
import http.client
import socket
import threading
import time

import pytest

from backends.environment import Secret
from backends.exchange import Unanswered, Unsent
from backends.transport import Transport

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n" + b'{"job_id":"1"}'


class Server:
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
def server():
    started = []

    def start(script):
        started.append(Server(script))
        return started[-1]

    yield start
    for each in started:
        each.close()


def drip(pause):
    def script(line):
        try:
            for byte in OK:
                line.sendall(bytes((byte,)))
                time.sleep(pause)
        except OSError:
            return

    return script


def ask(url, timeout_s=2.0, **limits):
    line = Transport(url, Secret("tok"), agent="qsubmit-test", **limits)
    return line.ask("POST", "/jobs", timeout_s=timeout_s, body=b"{}", headers={"Idempotency-Key": "k"})


def test_a_whole_answer_is_read(server):
    there = server(lambda line: line.sendall(OK))
    assert ask(f"{there.url}/base").document == {"job_id": "1"}
    sent = there.heard[0].decode().splitlines()
    assert sent[0] == "POST /base/jobs HTTP/1.1"
    assert {"Authorization: Bearer tok", "Connection: close", "User-Agent: qsubmit-test"} <= set(sent)
    assert {"Content-Type: application/json", "Idempotency-Key: k"} <= set(sent)


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
def test_no_whole_answer_is_unanswered_and_is_not_asked_again(server, script):
    there = server(script)
    with pytest.raises(Unanswered):
        ask(there.url, timeout_s=0.3)
    time.sleep(0.05)
    assert len(there.heard) == 1


def test_bytes_that_trickle_in_do_not_stretch_the_time(server):
    there = server(drip(0.1))
    started = time.monotonic()
    with pytest.raises(Unanswered):
        ask(there.url, timeout_s=0.4)
    assert time.monotonic() - started < 3.0  # all of them would take longer


def test_a_redirect_is_not_followed(server):
    there = server(
        lambda line: line.sendall(b"HTTP/1.1 307 T\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n")
    )
    assert ask(there.url).status == 307
    assert len(there.heard) == 1


def test_an_answer_that_is_too_long_is_unanswered(server):
    there = server(lambda line: line.sendall(OK))
    with pytest.raises(Unanswered):
        ask(there.url, max_reply_bytes=13)
    assert ask(there.url, max_reply_bytes=14).status == 200


def test_a_connection_that_opens_too_late_is_not_used(server, monkeypatch):
    there = server(lambda line: line.sendall(OK))
    plain = http.client.HTTPConnection.connect

    def slow(line):
        plain(line)
        time.sleep(0.2)

    monkeypatch.setattr(http.client.HTTPConnection, "connect", slow)
    with pytest.raises(Unsent):
        ask(there.url, timeout_s=0.1)
    assert there.heard in ([], [b""])


def test_errors_do_not_hold_the_token(server):
    there = server(lambda line: None)
    with pytest.raises(Unanswered) as caught:
        ask(there.url)
    assert "tok" not in repr(caught.value)
    assert caught.value.__cause__ is None


def test_a_request_that_has_had_its_time_is_hung_up(server):
    ends = []

    def script(line):
        line.settimeout(3.0)
        while line.recv(64):
            pass
        ends.append("the end of the stream")

    there = server(script)
    with pytest.raises(Unanswered, match="no whole answer"):
        ask(there.url, timeout_s=0.2)
    time.sleep(0.3)
    assert ends == ["the end of the stream"]  # nothing of ours can land any more


def test_a_packed_answer_is_read_and_bounded(server):
    body = gzip.compress(b'{"a": "' + b"x" * 5000 + b'"}')
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    there = server(lambda line: line.sendall(head + body))
    assert ask(there.url).document == {"a": "x" * 5000}
    with pytest.raises(Unanswered):
        ask(there.url, max_reply_bytes=1000)


def test_a_proxy_of_the_environment_is_asked(server, monkeypatch):
    proxy = server(lambda line: line.sendall(OK))
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, proxy.url)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "direct.example")
    assert ask("http://vendor.example/base").status == 200
    assert proxy.heard[0].startswith(b"POST http://vendor.example/base/jobs HTTP/1.1\r\nHost: vendor.example\r\n")


def test_a_tunnel_is_asked_for_with_the_proxys_credentials(server, monkeypatch):
    proxy = server(lambda line: line.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n"))
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, proxy.url.replace("http://", "http://me:pa%3Ass@"))
    with pytest.raises(Unsent):
        ask("https://vendor.example")
    assert proxy.heard[0].startswith(b"CONNECT vendor.example:443 HTTP/1.")
    assert b"Proxy-Authorization: Basic bWU6cGE6c3M=" in proxy.heard[0]
    assert b"Bearer" not in proxy.heard[0]
