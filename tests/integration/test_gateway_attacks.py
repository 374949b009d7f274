"""Does the gateway stay up while strangers and members do their worst? Small versions of what `make load` measures."""

from __future__ import annotations

import contextlib
import http.client
import resource
import socket
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.databases import opened
from tests.support.gateway import furnish, request, world
from tests.support.served import served

PATIENCE_S = 20.0
HALF_OPEN = 5000


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """A gateway process on SQLite, and a good key."""
    data = tmp_path_factory.mktemp("attacked")
    url = f"sqlite:///{data / 'qsubmit.db'}"
    with opened(url) as store:
        from broker.store.schema import upgrade

        upgrade(store.engine)
        furnish(store)
        with world(store, data=data) as made:
            key = made.key("ada")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))  # what a process gets where nobody has set another
    try:
        with served(url, data) as (gateway,):
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            yield gateway, key
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def resident(pid):
    """MiB of memory of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def dialled(gateway):
    return socket.create_connection(("127.0.0.1", gateway.port), timeout=PATIENCE_S)


def heard(connection):
    """Everything until the other side ends."""
    text = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := connection.recv(65536):
            text += piece
    return text


def status(text):
    return int(text.split(b" ", 2)[1])


def alive(gateway, key):
    """A Bell pair is admitted; seconds that it took."""
    began = time.perf_counter()
    code, answer = gateway.call("POST", "/v1/jobs", key, request())
    assert code == 202, answer
    return time.perf_counter() - began


@pytest.mark.parametrize(
    ("head", "code"),
    [
        (b"GET /healthz HTTP/1.1\r\nX: " + b"a" * (4 << 20), 431),
        (b"GET /healthz HTTP/1.1\r\n" + b"X-%d: a\r\n" * 50_000, 431),
        (b"GET /healthz?" + b"a" * (1 << 20), 414),
        (b"GET /healthz HTTP/1.1\r\n" + b"A" * (1 << 20), 431),
    ],
    ids=["one long header", "many headers", "a long query", "a long name"],
)
def test_a10_a_head_without_end_is_refused_within_its_bound(scene, head, code):
    gateway, key = scene
    with dialled(gateway) as connection:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(head)
        text = heard(connection)
    assert text == b"" or status(text) == code
    alive(gateway, key)


def test_a10_headers_without_a_key_take_no_memory(scene):
    gateway, key = scene
    before = resident(gateway.process.pid)
    with contextlib.ExitStack() as stack:
        for _ in range(100):
            connection = stack.enter_context(dialled(gateway))
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(b"GET /healthz HTTP/1.1\r\nX: " + b"a" * (1 << 20))
        most = max(settled(gateway.process.pid) for _ in range(30))
        assert most - before < 40
        alive(gateway, key)


def settled(pid):
    """MiB, a tenth of a second later: what was sent need not have been read yet."""
    time.sleep(0.1)
    return resident(pid)


@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/quotes", "/v1/keys", "/grafana/query"])
@pytest.mark.parametrize("key", ["", "qs_live_unknown"])
def test_a10_who_has_no_key_is_told_before_the_body_is_read(scene, path, key):
    gateway, _ = scene
    with dialled(gateway) as connection:
        connection.sendall(
            f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n"
            f"Authorization: Bearer {key}\r\n\r\n".encode()
        )
        text = heard(connection)
    assert status(text) == 401
    assert b"connection: close" in text.lower()


def test_a10_a_scope_that_lacks_is_told_before_the_body_is_read(scene, tmp_path):
    gateway, key = scene
    with dialled(gateway) as connection:
        connection.sendall(
            f"POST /grafana/query HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n"
            f"Authorization: Bearer {key}\r\n\r\n".encode()
        )
        assert status(heard(connection)) == 403


def test_a10_a_body_that_nobody_reads_does_not_go_on_for_ever(scene):
    gateway, key = scene
    with dialled(gateway) as connection:
        connection.sendall(b"POST /v1/jobs HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        sent, cut = 0, False
        while sent < 64 << 20 and not cut:
            try:
                connection.sendall(b"10000\r\n" + b"a" * 0x10000 + b"\r\n")
            except OSError:
                cut = True
            sent += 0x10000
    assert cut
    assert sent < 16 << 20
    alive(gateway, key)


def test_a10_trailers_have_the_bound_of_headers(scene):
    gateway, key = scene
    with dialled(gateway) as connection:
        connection.sendall(
            f"POST /v1/quotes HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {key}\r\nTransfer-Encoding: chunked\r\n\r\n"
            "1\r\n \r\n0\r\nX: ".encode()
        )
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for _ in range(64):
                connection.sendall(b"a" * 65536)
        assert heard(connection)[:12] in {b"HTTP/1.1 431", b""}
    alive(gateway, key)


def test_a10_requests_in_a_pipeline_are_bounded_and_answered_in_order(scene):
    gateway, key = scene
    line = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
    with dialled(gateway) as connection:
        connection.sendall(line * 5 + b"GET /nowhere HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        text = heard(connection)
        assert (text.count(b"HTTP/1.1 200"), text.count(b"HTTP/1.1 404")) == (5, 1)
    with dialled(gateway) as connection:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(line * 20_000)
        assert b"HTTP/1.1 429" in heard(connection)
    alive(gateway, key)


@pytest.fixture
def many_files():
    """As many connections as the test wants: both their ends are files, here and in the gateway."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = HALF_OPEN + 1000
    assert hard == resource.RLIM_INFINITY or hard >= wanted, f"this test opens {wanted} files; raise the hard limit"
    if soft != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_files")
def test_a10_half_open_connections_keep_nobody_out(scene):
    gateway, key = scene
    with contextlib.ExitStack() as stack:
        for number in range(HALF_OPEN):
            stack.enter_context(dialled(gateway)).sendall(b"GET /healthz HTTP/1.1\r\nX:")
            if number % 500 == 0:
                alive(gateway, key)
        assert sorted(alive(gateway, key) for _ in range(20))[-2] < 1.0


def test_a10_a_head_that_does_not_come_is_not_waited_for(scene):
    gateway, _ = scene
    with dialled(gateway) as connection, dialled(gateway) as slow:
        began = time.monotonic()
        slow.sendall(b"POST /v1/jobs HTTP/1.1\r\n")
        assert heard(connection) == b""
        assert heard(slow) == b""
        assert 5 < time.monotonic() - began < PATIENCE_S


def test_a10_a_body_below_the_least_rate_is_not_waited_for(scene):
    gateway, key = scene
    with dialled(gateway) as connection:
        connection.sendall(
            f"POST /v1/jobs HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {key}\r\nContent-Length: 1000\r\n\r\n".encode()
        )
        began = time.monotonic()
        assert heard(connection) == b""
        assert 5 < time.monotonic() - began < PATIENCE_S


def test_a10_an_address_that_guesses_keys_is_slowed_and_a_known_key_is_not(scene):
    gateway, key = scene
    alive(gateway, key)
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=60)) as connection:
        codes = []
        for number in range(150):
            connection.request("GET", "/v1/jobs", headers={"Authorization": f"Bearer qs_live_{number}"})
            answer = connection.getresponse()
            answer.read()
            codes.append(answer.status)
    assert set(codes) == {401, 429}
    assert codes[0] == 401
    assert codes[-1] == 429
    alive(gateway, key)


def heavy(number):
    """Under 600 characters, a million operations on 10,000 qubits: a third of a second of intake."""
    lines = ["OPENQASM 3;", 'include "stdgates.inc";', "qubit[10000] q;", f"// {number}", *["h q;"] * 100]
    return {"program": {"format": "openqasm3", "source": "\n".join(lines)}, "shots": 10}


def test_a10_small_programs_that_are_heavy_hold_up_nobody(scene):
    gateway, key = scene
    alive(gateway, key)
    with ThreadPoolExecutor(30) as crowd:
        quotes = [crowd.submit(gateway.call, "POST", "/v1/quotes", key, heavy(number)) for number in range(30)]
        waits = [alive(gateway, key) for _ in range(60)]
        codes = Counter(quote.result()[0] for quote in quotes)
    assert sorted(waits)[-3] < 0.25
    assert codes[200] >= 8
    assert set(codes) == {200, 429}
    assert next(quote.result()[1]["program"]["qubits"] for quote in quotes if quote.result()[0] == 200) == 10_000


@contextlib.contextmanager
def listening(gateway, key, query="after=0", last=None):
    """An open stream."""
    resume = "" if last is None else f"Last-Event-ID: {last}\r\n"
    with dialled(gateway) as connection:
        connection.sendall(
            f"GET /v1/events?{query} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {key}\r\n{resume}\r\n".encode()
        )
        yield connection.makefile("rb")


def ids(lines, count):
    """The numbers of the next moves."""
    found = []
    for line in lines:
        if line.startswith(b"id: "):
            found.append(int(line[4:]))
            if len(found) == count:
                break
    return found


def test_a10_streams_that_begin_while_moves_come_miss_none_and_hear_none_twice(scene):
    gateway, key = scene
    alive(gateway, key)
    with listening(gateway, key) as lines:
        first = ids(lines, 1)[0]
    with ThreadPoolExecutor(9) as crowd:
        submits = [crowd.submit(alive, gateway, key) for _ in range(60)]
        heard_by = [crowd.submit(follow, gateway, key, first, 120) for _ in range(6)]
        for each in submits:
            each.result()
        found = [each.result() for each in heard_by]
    assert all(numbers == found[0] for numbers in found)
    assert found[0] == sorted(set(found[0]))
    assert found[0] == list(range(found[0][0], found[0][0] + len(found[0])))  # nobody else moves here


def follow(gateway, key, last, count):
    with listening(gateway, key, last=last) as lines:
        return ids(lines, count)


def test_a10_a_key_has_so_many_streams_and_gets_them_back(scene):
    gateway, key = scene
    alive(gateway, key)
    for _ in range(2):
        with contextlib.ExitStack() as stack:
            for _ in range(20):
                ids(stack.enter_context(listening(gateway, key)), 1)
            code, answer = gateway.call("GET", "/v1/events", key)
            assert (code, answer["code"]) == (429, "rate_limited")
        deadline = time.monotonic() + PATIENCE_S
        while gateway.call("GET", "/v1/events?follow=false&after=9999999", key)[0] == 429:
            assert time.monotonic() < deadline
            time.sleep(0.1)
