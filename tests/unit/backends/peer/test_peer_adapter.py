"""Does one peer's trouble stay its own, and is a token an absence only where every peer says so?"""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from backends.base import Order, Phase
from backends.environment import Secret
from backends.errors import Busy, OutcomeUnknown, Refused, UnknownJob
from backends.exchange import Reply, Unanswered, Unsent
from backends.peer.adapter import PeerBackend
from backends.peer.hub import request_of
from backends.peer.settings import Peer
from broker.domain.ids import AttemptId, JobId, ProjectId, RemoteId, attempt_id, token_of
from broker.domain.program import Format, Program
from tests.contract.promises import requirement
from tests.support.gateway import BELL
from tests.support.peer_wire import Wire, reply

JOB = JobId("018f0000-0000-7000-8000-000000000001")
TOKEN = token_of(attempt_id(JOB, 1))


class Away:
    """A peer that does not answer."""

    def ask(self, *_arguments, **_more):
        raise Unanswered("GET: TimeoutError after 30.0 s")


@pytest.fixture
def backend(world):
    made = PeerBackend([Peer(name=name, url="http://127.0.0.1:1", key=Secret("k")) for name in ("paris", "seoul")])
    made._hubs["seoul"]._transport = Wire(world)
    made._hubs["paris"]._transport = Away()
    return made


@pytest.fixture
def order(backend):
    device = next(device for device in backend.devices() if device.vendor_id == "local/points")
    return Order(
        job=JOB,
        project=ProjectId("01900000-0000-7000-8000-00000000000a"),
        attempt=AttemptId(attempt_id(JOB, 1)),
        token=TOKEN,
        device=device,
        program=Program.of(Format.OPENQASM2, BELL),
        requirement=requirement(Format.OPENQASM2, width=2, registers=(("c", 2),)),
        shots=100,
        points=({},),
        seed=7,
        options={"method": "statevector"},
    )


def test_a_peer_that_is_away_takes_only_its_own_devices_with_it(backend):
    assert {device.name.partition("-")[0] for device in backend.devices()} == {"peer/seoul"}


def test_seed_options_and_tags_travel_and_the_body_is_the_same_again(backend, order):
    body = request_of(order)
    assert (body["seed"], body["options"]) == (7, {"method": "statevector"})
    assert body["tags"] == [TOKEN, "qsub-"]
    moved = replace(order.device, price=None, max_run_ms=5, queue_depth=99)
    assert json.dumps(request_of(replace(order, device=moved))) == json.dumps(body)


def test_points_travel(order):
    points = ({"b": 1.0, "a": 2.0}, {"a": 0.5, "b": 0.0})
    assert request_of(replace(order, points=points))["points"] == [dict(point) for point in points]


def test_the_token_is_the_key_of_the_one_create(backend, order):
    remote_id = backend.submit(order)
    assert backend.submit(order) == remote_id
    wire = backend._hubs["seoul"]._transport
    creates = [headers for method, path, _, headers in wire.asked if (method, path) == ("POST", "/v1/jobs")]
    assert creates == [{"Idempotency-Key": TOKEN}] * 2


def test_a_token_found_at_one_peer_is_enough(backend, order):
    remote_id = backend.submit(order)
    assert list(backend.find(TOKEN)) == [remote_id]


def test_while_a_peer_is_away_nothing_is_absent(backend, order):
    with pytest.raises(Busy):
        backend.find(TOKEN)
    with pytest.raises(Busy):
        backend.find("qsub-")


def test_the_jobs_of_a_peer_that_is_away_stay_where_they_are(backend, order):
    remote_id, other = backend.submit(order), RemoteId("paris:018f0000-0000-7000-8000-00000000000f")
    looks = backend.poll([remote_id, other])
    assert looks[remote_id].phase is Phase.QUEUED
    assert looks[remote_id].word == "queued"
    assert (looks[other].phase, looks[other].word) == (Phase.QUEUED, "unheard")
    with pytest.raises(Busy):
        backend.poll([other])


def test_the_jobs_of_a_peer_that_is_no_longer_configured_are_not_lost(backend, order):
    with pytest.raises(Busy, match="no peer 'gone' is configured"):
        backend.poll([RemoteId("gone:1")])


def test_many_jobs_are_listed_and_an_unknown_one_is_lost(backend, order):
    orders = [replace(order, token=token_of(attempt_id(JOB, n))) for n in range(2, 8)]
    remote_ids = [backend.submit(each) for each in orders]
    wire = backend._hubs["seoul"]._transport
    wire.asked.clear()
    assert {look.phase for look in backend.poll(remote_ids).values()} == {Phase.QUEUED}
    assert len(wire.asked) == 1
    lost = RemoteId(remote_ids[0][:-6] + "abcdef")
    assert backend.poll([lost])[lost].phase is Phase.LOST


def test_all_of_ours_are_found_page_by_page(backend, order, monkeypatch):
    monkeypatch.setattr("backends.peer.hub.PAGE", 2)
    del backend._hubs["paris"]
    orders = [replace(order, token=token_of(attempt_id(JOB, n))) for n in range(2, 7)]
    remote_ids = [backend.submit(each) for each in orders]
    wire = backend._hubs["seoul"]._transport
    wire.asked.clear()
    assert sorted(backend.find("qsub-")) == sorted(remote_ids)
    assert len(wire.asked) == 3


def test_a_live_job_has_no_result_and_an_unknown_one_never_will(backend, order):
    remote_id = backend.submit(order)
    with pytest.raises(Busy):
        backend.fetch(remote_id)
    with pytest.raises(UnknownJob):
        backend.fetch(RemoteId(remote_id[:-6] + "abcdef"))
    backend.cancel(remote_id)
    assert backend.poll([remote_id])[remote_id].phase is Phase.CANCELLED
    with pytest.raises(Refused, match="cancelled"):
        backend.fetch(remote_id)


REPLIES = {
    "nobody listens": (Unsent("cannot reach it"), Busy),
    "no whole answer": (Unanswered("reset"), OutcomeUnknown),
    "an answer without a job": (reply(202, {}), OutcomeUnknown),
    "an answer that is no document": (Reply(status=202, text="ok", document=None), OutcomeUnknown),
    "a redirect": (Reply(status=302, text="", document=None), OutcomeUnknown),
}


@pytest.mark.parametrize("name", REPLIES)
def test_a_create_without_an_answer_is_never_guessed_at(backend, order, name):
    wire = backend._hubs["seoul"]._transport
    wire.reply, kind = REPLIES[name]
    wire.asked.clear()
    with pytest.raises(kind):
        backend.submit(order)
    assert len(wire.asked) == 1
