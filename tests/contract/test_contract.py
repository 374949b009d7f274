"""Does every vendor's adapter keep the promises of backends/base.py, against the vendor's own protocol?

Longer than other files: one list of promises, one sandbox of each vendor for all of them.
"""

from __future__ import annotations

import json
import logging
import socket
import time
import traceback
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest

from backends.base import Backend, Phase, Recovery
from backends.errors import Busy, NotTried, OutcomeUnknown, Refused, Unauthorized, UnknownStatus
from backends.sandboxing.knobs import Fault, Trouble
from broker.domain.device import Kind, Status
from broker.domain.ids import RemoteId
from broker.domain.price import charge
from broker.domain.program import Format
from broker.domain.specs_document import sealed, specs_of
from tests.contract.promises import ASYMMETRIC_KEY, SCRIPTS, asymmetric, ended, order_of, until

NAMES = sorted(path.stem.removesuffix("_case") for path in Path(__file__).parent.glob("*_case.py"))
FOREVER = -1
LONG_QUEUE_S = 60.0


@pytest.fixture(scope="module", params=NAMES)
def case(request):
    return import_module(f"tests.contract.{request.param}_case").CASE


@pytest.fixture(scope="module")
def running(case, tmp_path_factory):
    bench = case.start(tmp_path_factory.mktemp(case.name))
    adapter = bench.adapter()
    devices = {device.name: device for device in adapter.devices()}
    yield bench, adapter, devices
    adapter.close()
    bench.close()


@pytest.fixture
def bench(running):
    bench = running[0]
    bench.knobs.reset()
    yield bench
    bench.knobs.reset()


@pytest.fixture
def backend(running, bench):
    return running[1]


@pytest.fixture
def device(case, running):
    return running[2][case.device]


def accepted(bench, order):
    return bench.ledger.entries("create", order.token)


def finished(case, backend, device, **changes):
    order = order_of(case, device, **changes)
    remote_id = backend.submit(order)
    assert ended(backend, remote_id).phase is Phase.DONE
    return order, remote_id


# ------------------------------------------------------------------------------------- specs


def test_what_a_device_is_made_of_is_a_value_that_stays_while_the_vendor_says_the_same(running):
    _, adapter, devices = running
    told = {name: specs for name, device in devices.items() if (specs := adapter.specs(device)) is not None}
    assert told  # not of each: an emulator that takes any machine's programs is none
    for name, specs in told.items():
        assert specs.device == name
        assert any((specs.gate, specs.analog, specs.photonic, specs.vendor))
        assert specs_of(json.loads(sealed(specs)[0])) == specs
    again = {device.name: adapter.specs(device) for device in adapter.devices() if device.name in told}
    assert {name: sealed(specs) for name, specs in again.items()} == {name: sealed(told[name]) for name in told}


# ------------------------------------------------------------------------------------- submit


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_a_submit_is_one_create_on_the_wire_whatever_happens(case, bench, device, script):
    adapter = bench.adapter()
    order = replace(order_of(case, device), deadline=time.monotonic() + script.timeout_s)
    expected = case.reactions.get(script.name, script.error)
    if script.fault:
        bench.knobs.turn(faults=[replace(script.fault, on=case.create)])
    try:
        if expected:
            with pytest.raises(expected):
                adapter.submit(order)
        else:
            adapter.submit(order)
        until(lambda: len(accepted(bench, order)) == script.accepted * len(order.points))
        assert bench.knobs.seen()[case.create] == 1
    finally:
        adapter.close()


def test_a_throttled_submit_says_when_to_come_back(case, bench, backend, device):
    bench.knobs.turn(faults=[Fault(trouble=Trouble.THROTTLE, on=case.create, retry_after=7)])
    with pytest.raises(Busy) as caught:
        backend.submit(order_of(case, device))
    assert caught.value.retry_after == 7


def test_an_address_where_nobody_listens_is_busy_because_nothing_was_sent(case, bench, device):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    adapter = bench.adapter(url=f"http://127.0.0.1:{port}", timeout_s=5.0)
    try:
        with pytest.raises(Busy):
            adapter.submit(order_of(case, device))
    finally:
        adapter.close()


def test_after_its_deadline_nothing_of_an_order_is_sent(case, bench, backend, device):
    late = replace(order_of(case, device), deadline=time.monotonic() - 1)
    with pytest.raises(NotTried):
        backend.submit(late)
    assert bench.knobs.seen().get(case.create, 0) == 0
    assert accepted(bench, late) == []


def test_the_token_travels_with_the_create(case, bench, backend, device):
    order = order_of(case, device)
    backend.submit(order)
    assert [entry.token for entry in accepted(bench, order)] == [order.token]


def test_a_lost_submit_is_found_by_its_token_or_by_nobody(case, bench, backend, device):
    order = order_of(case, device)
    bench.knobs.turn(faults=[Fault(trouble=Trouble.DROP_AFTER, on=case.create)])
    with pytest.raises(OutcomeUnknown):
        backend.submit(order)
    vendor_ids = {entry.task for entry in accepted(bench, order)}
    found = {case.unit_of(remote_id) for remote_id in backend.find(order.token)}
    assert found == (set() if case.recovery is Recovery.BLIND else vendor_ids)


def test_the_same_order_again_is_the_same_job_for_a_token_vendor(case, bench, backend, device):
    order = order_of(case, device)
    first, second = backend.submit(order), backend.submit(order)
    assert (first == second) is (case.recovery is Recovery.TOKEN)
    assert len(accepted(bench, order)) == (1 if case.recovery is Recovery.TOKEN else 2)


def test_another_order_under_a_used_token_is_refused_by_a_token_vendor(case, bench, backend, device):
    order = order_of(case, device)
    backend.submit(order)
    other = replace(order, shots=order.shots + 1)
    if case.recovery is Recovery.TOKEN:
        with pytest.raises(Refused):
            backend.submit(other)
    else:
        backend.submit(other)
    assert len(accepted(bench, order)) == (1 if case.recovery is Recovery.TOKEN else 2)


def test_a_program_that_the_device_cannot_take_is_refused_without_a_task(case, bench, backend, device):
    order = order_of(case, device, program=case.invalid)
    with pytest.raises(Refused):
        backend.submit(order)
    assert accepted(bench, order) == []


def test_an_offline_device_is_busy_and_a_retired_one_refuses(case, bench, backend, device):
    bench.knobs.turn(offline=[device.vendor_id])
    with pytest.raises(case.reactions.get("offline", Busy)):
        backend.submit(order_of(case, device))
    bench.knobs.turn(offline=[], retired=[device.vendor_id])
    with pytest.raises(Refused) as caught:
        backend.submit(order_of(case, device))
    assert caught.value.code == "device_retired"


def test_without_credit_a_qpu_refuses_and_nothing_is_accepted(case, bench, backend, running):
    bench.knobs.turn(insufficient_credit=True)
    qpu = next(
        each
        for each in running[2].values()
        if each.kind is Kind.QPU and each.status is Status.ONLINE and case.program.format in each.accepts
    )
    order = order_of(case, qpu)
    with pytest.raises(Refused) as caught:
        backend.submit(order)
    assert caught.value.code == "no_credit"
    assert accepted(bench, order) == []


# --------------------------------------------------------------------------------------- find


def test_find_gives_the_jobs_whose_token_starts_so(case, backend, device):
    order = order_of(case, device)
    remote_id = backend.submit(order)
    blind = case.recovery is Recovery.BLIND
    assert list(backend.find(order.token)) == ([] if blind else [remote_id])
    assert list(backend.find(order.token[:20])) == ([] if blind else [remote_id])
    assert list(backend.find("qsub-00000000-nobody")) == []


# --------------------------------------------------------------------------------------- poll


def test_many_jobs_are_looked_at_in_one_call(case, backend, device):
    remote_ids = [backend.submit(order_of(case, device)) for _ in range(12)]
    looks = backend.poll(remote_ids)
    assert set(looks) == set(remote_ids)
    assert all(look.phase is not Phase.LOST for look in looks.values())


def test_a_job_that_the_vendor_does_not_know_is_lost(case, backend, device):
    known = backend.submit(order_of(case, device))
    unknown = RemoteId(known[:-6] + ("000000" if not known.endswith("000000") else "111111"))
    looks = backend.poll([known, unknown])
    assert looks[unknown].phase is Phase.LOST
    assert looks[known].phase is not Phase.LOST


def test_each_documented_word_has_its_phase(case, bench, backend, device):
    remote_id = backend.submit(order_of(case, device))
    shown = {}
    for word in case.words:
        bench.knobs.turn(status_word=word)
        look = backend.poll([remote_id])[remote_id]
        assert look.word == word
        shown[word] = look.phase
    assert shown == dict(case.words)


def test_a_word_that_nobody_documented_is_refused(case, bench, backend, device):
    remote_id = backend.submit(order_of(case, device))
    bench.knobs.turn(status_word="PERHAPS")
    with pytest.raises(UnknownStatus):
        backend.poll([remote_id])


def test_a_waiting_job_says_its_place_where_the_vendor_does(case, bench, backend, device):
    bench.knobs.turn(queue_delay=LONG_QUEUE_S)
    remote_ids = [backend.submit(order_of(case, device)) for _ in range(2)]
    looks = backend.poll(remote_ids)
    places = [looks[remote_id].queue_position for remote_id in remote_ids]
    assert all(look.phase is Phase.QUEUED for look in looks.values())
    if case.positions:
        assert places[0] < places[1]
    else:
        assert places == [None, None], case.why["positions"]
    for remote_id in remote_ids:
        backend.cancel(remote_id)


@pytest.mark.parametrize(
    ("trouble", "error"), [(Trouble.UNAUTHORIZED, Unauthorized), (Trouble.THROTTLE, Busy), (Trouble.ERROR_BEFORE, Busy)]
)
def test_a_look_that_fails_says_what_to_do(case, bench, backend, device, trouble, error):
    remote_id = backend.submit(order_of(case, device))
    bench.knobs.turn(faults=[Fault(trouble=trouble, on=kind, times=FOREVER, retry_after=1) for kind in case.read])
    with pytest.raises(error):
        backend.poll([remote_id])


# -------------------------------------------------------------------------------------- fetch


def test_a_result_fetched_twice_is_the_same_and_sums_to_the_shots(case, backend, device):
    order, remote_id = finished(case, backend, device)
    first, second = backend.fetch(remote_id), backend.fetch(remote_id)
    assert first == second
    assert [sum(point.counts.values()) for point in first.points] == [order.shots]
    assert first.usage.shots == order.shots
    assert first.raw


def test_another_worker_reads_the_same_result(case, bench, backend, device):
    _, remote_id = finished(case, backend, device)
    stranger = bench.adapter()
    try:
        assert stranger.fetch(remote_id).points == backend.fetch(remote_id).points
    finally:
        stranger.close()


@pytest.mark.parametrize("form", [Format.OPENQASM2, Format.OPENQASM3])
def test_the_first_classical_bit_stands_first(case, backend, running, form):
    if case.gate_device is None:
        assert "gate" in case.why
        return
    program, need = asymmetric(form)
    device = running[2][case.gate_device]
    _, remote_id = finished(case, backend, device, program=program, requirement=need)
    assert dict(backend.fetch(remote_id).points[0].counts) == {ASYMMETRIC_KEY: case.shots}


def test_a_job_that_runs_has_no_result_yet(case, bench, backend, device):
    bench.knobs.turn(queue_delay=LONG_QUEUE_S)
    remote_id = backend.submit(order_of(case, device))
    with pytest.raises(Busy):
        backend.fetch(remote_id)
    backend.cancel(remote_id)


def test_a_failed_run_says_why_and_has_no_result(case, bench, backend, device):
    bench.knobs.turn(fail_next=1)
    remote_id = backend.submit(order_of(case, device))
    look = ended(backend, remote_id)
    assert look.phase is Phase.FAILED
    assert look.message
    with pytest.raises(Refused):
        backend.fetch(remote_id)


def test_a_sweep_takes_the_fewest_creates_and_keeps_its_order(case, bench, backend, device):
    program, need, points = case.sweep()
    order, remote_id = finished(case, backend, device, program=program, requirement=need, points=points)
    assert bench.knobs.seen()[case.create] == case.sweep_creates
    outcome = backend.fetch(remote_id)
    assert [dict(point.bindings) for point in outcome.points] == [dict(point) for point in points]
    assert [sum(point.counts.values()) for point in outcome.points] == [order.shots] * len(points)


def test_what_the_vendor_charges_is_what_our_formula_says(case, bench, backend, device):
    order, remote_id = finished(case, backend, device)
    usage = backend.fetch(remote_id).usage
    charged = sum(entry.micros for entry in bench.ledger.entries("charge", order.token))
    assert charged == charge(device.price, usage).micros


def test_a7_the_status_of_a_done_job_says_what_is_billed(case, bench, backend, device):
    """So that a run whose result is gone can be booked: the bill must not need the result."""
    order, remote_id = finished(case, backend, device)
    usage = backend.poll([remote_id])[remote_id].usage
    charged = sum(entry.micros for entry in bench.ledger.entries("charge", order.token))
    assert usage is not None
    assert usage.shots == order.shots
    if "billed" in case.why:
        assert charge(device.price, usage).micros <= charged
    else:
        assert charge(device.price, usage).micros == charged


def test_a7_a_job_that_never_ran_bills_nothing(case, bench, backend, device):
    bench.knobs.turn(queue_delay=LONG_QUEUE_S)
    remote_id = backend.submit(order_of(case, device))
    backend.cancel(remote_id)
    assert ended(backend, remote_id).usage is None


@pytest.mark.parametrize(("header", "seconds"), [(0, 1.0), (-5, 1.0), (10**9, 3600.0)])
def test_a6_a_throttle_s_patience_is_bounded_on_both_sides(case, bench, backend, device, header, seconds):
    bench.knobs.turn(faults=[Fault(trouble=Trouble.THROTTLE, on=case.create, retry_after=header)])
    with pytest.raises(Busy) as caught:
        backend.submit(order_of(case, device))
    assert caught.value.retry_after == seconds


# ------------------------------------------------------------------------------------- cancel


def test_a_queued_job_is_cancelled_and_costs_nothing(case, bench, backend, device):
    bench.knobs.turn(queue_delay=LONG_QUEUE_S)
    order = order_of(case, device)
    remote_id = backend.submit(order)
    backend.cancel(remote_id)
    assert ended(backend, remote_id).phase is Phase.CANCELLED
    assert bench.ledger.entries("charge", order.token) == []


def test_a_running_job_is_cancelled(case, bench, backend, device):
    bench.knobs.turn(run_delay=LONG_QUEUE_S)
    remote_id = backend.submit(order_of(case, device))
    until(lambda: backend.poll([remote_id])[remote_id].phase is Phase.RUNNING)
    backend.cancel(remote_id)
    bench.knobs.turn(run_delay=0)
    assert ended(backend, remote_id).phase is Phase.CANCELLED


def test_cancelling_what_has_ended_or_never_was_is_silent(case, backend, device):
    _, remote_id = finished(case, backend, device)
    backend.cancel(remote_id)
    backend.cancel(remote_id)
    assert backend.poll([remote_id])[remote_id].phase is Phase.DONE
    backend.cancel(RemoteId(remote_id[:-6] + "000000"))


# ------------------------------------------------------------------------------------ devices


def test_devices_say_whose_they_are_and_that_they_are_a_sandbox(case, backend, running):
    devices = running[2]
    assert devices
    for name, device in devices.items():
        assert name.startswith(f"{case.name}/")
        assert device.backend == backend.name == case.name
        assert device.sandbox
        assert device.price is not None
        assert device.width


def test_a_device_that_goes_offline_shows_it(case, bench, backend, device):
    bench.knobs.turn(offline=[device.vendor_id])
    shown = {each.name: each.status for each in backend.devices()}
    assert shown[device.name] is Status.OFFLINE


def test_the_adapter_is_a_backend_of_its_recovery_class(case, backend):
    assert isinstance(backend, Backend)
    assert backend.recovery is case.recovery


# ------------------------------------------------------------------------- the vendor's memory


def test_a_restarted_sandbox_knows_its_jobs(case, tmp_path):
    first = case.start(tmp_path)
    adapter = first.adapter()
    device = next(each for each in adapter.devices() if each.name == case.device)
    first.knobs.turn(queue_delay=LONG_QUEUE_S)
    order = order_of(case, device)
    remote_id = adapter.submit(order)
    adapter.close()
    first.close()
    second = case.start(tmp_path)
    adapter = second.adapter()
    try:
        assert ended(adapter, remote_id).phase is Phase.DONE
        assert len(accepted(second, order)) == 1
    finally:
        adapter.close()
        second.close()


# ------------------------------------------------------------------------------------ secrets


def test_no_credential_shows_in_logs_errors_or_names(case, bench, device, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    adapter = bench.adapter()
    said = [repr(adapter), str(vars(adapter)), repr(device)]
    try:
        finished(case, adapter, device)
        for trouble in (Trouble.UNAUTHORIZED, Trouble.INVALID, Trouble.DROP_BEFORE, Trouble.ERROR_BEFORE):
            bench.knobs.turn(faults=[Fault(trouble=trouble, on=case.create)])
            with pytest.raises(Exception) as caught:  # noqa: PT011  the text is what matters
                adapter.submit(order_of(case, device))
            said += traceback.format_exception(caught.value)
    finally:
        adapter.close()
    out, err = capfd.readouterr()
    said += [caplog.text, out, err]
    for secret in case.secrets:
        assert not any(secret in text for text in said)
