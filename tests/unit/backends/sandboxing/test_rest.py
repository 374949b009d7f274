"""Does a sandbox end when nobody asks it anything, and never while it has something to do?"""

from __future__ import annotations

import threading
import urllib.request

import pytest

from backends.sandboxing.knobs import Knobs
from backends.sandboxing.runner import Runner
from backends.sandboxing.serving import listen, serve_forever, url_of


async def app(_scope, _receive, send):
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture
def serving():
    """A server that rests after a quarter of a second, if it is idle."""
    idle, listener = threading.Event(), listen("127.0.0.1", 0)
    arguments = {"idle": idle.is_set, "rest_s": 0.25}
    thread = threading.Thread(target=serve_forever, args=(app, listener, lambda _: None), kwargs=arguments, daemon=True)
    thread.start()
    yield url_of(listener), idle, thread
    idle.set()
    thread.join(30)


def test_it_stays_while_there_is_something_to_do_and_ends_after(serving):
    url, idle, thread = serving
    with urllib.request.urlopen(url, timeout=30) as answer:
        assert answer.status == 204
    thread.join(1.0)
    assert thread.is_alive()
    idle.set()
    thread.join(30)
    assert not thread.is_alive()


def test_a_listener_can_be_left_open_by_who_started_us():
    ours = listen("127.0.0.1", 0)
    theirs = listen(f"fd://{ours.detach()}", 0)
    assert url_of(theirs).startswith("http://127.0.0.1:")
    theirs.close()


class Waiting:
    """Tasks as the runner asks for them."""

    def __init__(self):
        self.found = []

    def in_state(self, *_states):
        return self.found


def test_a_sandbox_is_idle_without_tasks_and_with_every_knob_as_at_the_start():
    tasks, knobs = Waiting(), Knobs()
    runner = Runner(tasks, knobs, lambda _: None)
    assert runner.idle()
    tasks.found = ["one"]
    assert not runner.idle()
    tasks.found = []
    knobs.turn(queue_delay=3.0)
    assert not runner.idle()
