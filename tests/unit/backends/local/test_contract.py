"""Does every local device keep the six verbs' promises, through the host and its confined children?"""

from __future__ import annotations

import fcntl
import math
import os
import shutil
import signal
import socket
import time
from pathlib import Path

import pytest

from backends.base import Backend, Phase, Recovery
from backends.errors import Refused, UnknownJob
from backends.local import wire
from broker.domain.program import Format
from tests.support import pasqal_programs, quandela_programs
from tests.support.local_orders import ASYMMETRIC2, ASYMMETRIC3, BELL, SWEEP, atoms, ghz, rotations, run
from tests.unit.backends.local.conftest import local_backend

GATE = ["local/auto", "local/aer", "local/qsim"]
ALL = [*GATE, "local/pulser", "local/perceval", "local/ahs"]
SPIN = 'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[2] q;\nbit[2] c;\nc[0] = measure q[0];\nh q[0];\n'


def lasting(layers=400):
    """Some minutes on a dense simulator."""
    return rotations(23, layers, 7)


def ended(backend, remote_id):
    assert backend.wait([remote_id], 30) == [remote_id]
    return backend.poll([remote_id])[remote_id]


def case(orders, device, **more):
    """An order that each device understands and that gives several outcomes."""
    if device == "local/pulser":
        sequence = pasqal_programs.chain(2).to_abstract_repr()
        return orders(sequence, device, form=Format.PULSER, points=({"t": 260.0},), **more)
    if device == "local/perceval":
        return orders(quandela_programs.source(), device, form=Format.PERCEVAL, **more)
    if device == "local/ahs":
        return orders(atoms(rabi=3e6), device, form=Format.AHS, **more)
    return orders(rotations(4, 3, 5), device, **more)


def test_it_is_a_backend_of_kind_rerun(backend):
    assert isinstance(backend, Backend)
    assert backend.recovery is Recovery.RERUN


def test_devices_say_what_they_take_and_what_a_second_costs(backend):
    devices = {device.name: device for device in backend.devices()}
    assert sorted(devices) == sorted(ALL)
    for device in devices.values():
        assert device.price is not None
        assert (device.price.currency, device.price.source) == ("KRW", "operator: example tariff")
        assert device.max_memory_bytes > 0
    assert devices["local/aer"].dynamic
    assert not devices["local/qsim"].dynamic


@pytest.mark.parametrize("device", GATE)
@pytest.mark.parametrize("source", [ASYMMETRIC2, ASYMMETRIC3], ids=["openqasm2", "openqasm3"])
def test_the_first_classical_bit_stands_leftmost(backend, orders, device, source):
    assert run(backend, orders(source, device)).points[0].counts == {"100": 200}


@pytest.mark.parametrize("method", ["statevector", "stabilizer", "matrix_product_state"])
def test_every_method_has_the_same_bit_order(backend, orders, method):
    outcome = run(backend, orders(ASYMMETRIC2, "local/aer", method=method))
    assert outcome.points[0].counts == {"100": 200}
    assert outcome.engine == f"aer/{method}: asked for"


def test_atoms_and_modes_stand_in_register_order(backend, orders):
    pulser = orders(pasqal_programs.asymmetric().to_abstract_repr(), "local/pulser", form=Format.PULSER)
    assert run(backend, pulser).points[0].counts == {"100": 200}
    perceval = orders(
        quandela_programs.source(quandela_programs.ROTATION, "|1,0,0>"), "local/perceval", form=Format.PERCEVAL
    )
    assert run(backend, perceval).points[0].counts == {"|0,0,1>": 200}
    ahs = orders(atoms((1, 0, 1), local=[0, 0, 1]), "local/ahs", form=Format.AHS)
    counts = run(backend, ahs).points[0].counts
    assert max(counts, key=counts.get) == "10"


@pytest.mark.parametrize("device", ALL)
def test_the_same_seed_gives_the_same_counts_and_another_seed_others(backend, orders, device):
    ids = backend.submit_many([case(orders, device, shots=1000, seed=seed) for seed in (5, 5, 6)])
    backend.wait(ids, 60, need=3)
    first, again, other = (backend.fetch(remote_id) for remote_id in ids)
    assert first.points == again.points != other.points
    assert sum(first.points[0].counts.values()) == 1000
    assert first.usage.shots == 1000
    assert first.usage.run_ms >= 1
    assert first.software


@pytest.mark.parametrize("device", ALL)
def test_a_result_can_be_fetched_twice_and_found_by_its_token(backend, orders, device):
    order = case(orders, device)
    remote_id = backend.submit(order)
    backend.wait([remote_id], 60)
    assert backend.poll([remote_id])[remote_id].phase is Phase.DONE
    assert backend.fetch(remote_id) == backend.fetch(remote_id)
    assert backend.find(order.token) == [remote_id]
    backend.cancel(remote_id)
    assert backend.poll([remote_id])[remote_id].phase is Phase.DONE


def test_points_come_back_in_order_with_their_bindings(backend, orders):
    points = ({"theta": 0.0}, {"theta": math.pi}, {"theta": math.pi / 2})
    outcome = run(backend, orders(SWEEP, points=points, shots=1000))
    assert [dict(point.bindings) for point in outcome.points] == [dict(point) for point in points]
    assert [point.counts.get("1", 0) for point in outcome.points[:2]] == [0, 1000]
    assert 400 < outcome.points[2].counts["1"] < 600
    assert outcome.usage.shots == 3000


def test_variables_and_phases_are_bound_per_point(backend, orders):
    chain = pasqal_programs.chain(2).to_abstract_repr()
    pulser = orders(chain, "local/pulser", form=Format.PULSER, points=({"t": 524.0}, {"t": 1048.0}), shots=50)
    half, whole = run(backend, pulser).points
    assert (half.counts, max(whole.counts, key=whole.counts.get)) == ({"11": 50}, "00")
    source = quandela_programs.source(quandela_programs.INTERFEROMETER, "|1,0>")
    perceval = orders(source, "local/perceval", form=Format.PERCEVAL, points=({"phi": 0.0}, {"phi": math.pi}))
    assert [set(point.counts) for point in run(backend, perceval).points] == [{"|0,1>"}, {"|1,0>"}]


def test_photonic_noise_is_honoured(backend, orders):
    source = quandela_programs.source(noise={"indistinguishability": 0.5})
    outcome = run(backend, orders(source, "local/perceval", form=Format.PERCEVAL, shots=4000))
    assert 0.18 < outcome.points[0].counts["|1,1>"] / 4000 < 0.32
    assert outcome.engine == "perceval/slos: 2 photons in 2 modes, with its noise model"


def test_a_program_without_measurement_has_all_qubits_measured(backend, orders):
    source = 'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[3] q;\nx q[1];\n'
    assert [run(backend, orders(source, device)).points[0].counts for device in GATE] == [{"010": 200}] * 3


def test_control_by_measured_bits_is_obeyed(backend, orders):
    source = (
        'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[2] q;\nbit[2] c;\nry(2) q[0];\nc[0] = measure q[0];\n'
        "if (c[0] == 1) { x q[1]; }\nc[1] = measure q[1];\n"
    )
    outcome = run(backend, orders(source))
    assert set(outcome.points[0].counts) == {"00", "11"}
    assert outcome.engine == "aer/statevector: dynamic circuit of 2 qubits"
    with pytest.raises(Refused, match="measure at the end only"):
        backend.submit(orders(source, "local/qsim"))


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (BELL, "exact/statevector: the distribution of 2 qubits, sampled"),
        (ghz(60), "aer/stabilizer: Clifford gates only"),
        (rotations(26, 4, 1), "aer/matrix_product_state: entangling cut 2 of 26 qubits"),
        (rotations(16, 24, 1), "qsim/statevector: dense state of 16 qubits, single precision"),
    ],
    ids=["small", "clifford", "shallow", "dense"],
)
def test_the_choice_and_its_reason_stand_in_the_outcome(backend, orders, source, words):
    assert run(backend, orders(source)).engine == words


def test_what_does_not_fit_is_refused_with_the_estimate(backend, orders):
    for device in GATE:
        with pytest.raises(Refused, match=r"needs about [\d.,]+ TiB of memory, this machine has 2.0 GiB") as caught:
            backend.submit(orders(rotations(40, 60, 1), device))
        assert caught.value.code == "memory"


@pytest.mark.parametrize("device", GATE)
def test_a_fault_that_only_the_simulator_finds_is_located(backend, orders, device):
    order = orders(BELL, device)
    broken = BELL.replace("cx q[0]", "cxx q[0]")
    remote_id = backend.submit(with_source(order, broken))
    snapshot = ended(backend, remote_id)
    assert (snapshot.phase, snapshot.message) == (
        Phase.FAILED,
        "line 6, column 1: 'cxx' is not defined",
    )
    with pytest.raises(Refused) as caught:
        backend.fetch(remote_id)
    assert (caught.value.code, caught.value.line, caught.value.column) == ("program_invalid", 6, 1)


def test_no_program_reads_a_file(backend, orders):
    order = orders(BELL)
    remote_id = backend.submit(with_source(order, BELL.replace("qelib1.inc", "/etc/passwd")))
    assert "is not allowed" in ended(backend, remote_id).message


def with_source(order, source):
    from dataclasses import replace

    from broker.domain.program import Program

    return replace(order, program=Program.of(order.program.format, source))


def test_cancel_kills_a_lone_running_job_and_drops_queued_ones(backend, orders):
    running, queued = (backend.submit(orders(lasting(layers), "local/aer")) for layers in (400, 401))
    phase_within(backend, running, Phase.RUNNING)
    backend.cancel(queued)
    backend.cancel(running)
    looks = backend.poll([running, queued])
    assert {look.phase for look in looks.values()} == {Phase.CANCELLED}
    assert run(backend, orders(rotations(16, 24, 2), "local/aer"), 20).points[0].counts


def phase_within(backend, remote_id, phase, timeout_s=20.0):
    deadline = time.monotonic() + timeout_s
    while backend.poll([remote_id])[remote_id].phase is not phase:
        assert time.monotonic() < deadline, backend.poll([remote_id])
        time.sleep(0.02)


def test_a_run_that_takes_too_long_is_stopped_with_a_clear_message(tmp_path, orders):
    impatient = local_backend(tmp_path, max_run_s=1.0)
    remote_id = impatient.submit(orders(lasting(), "local/aer"))
    snapshot = ended(impatient, remote_id)
    impatient.close()
    assert snapshot.phase is Phase.FAILED
    assert snapshot.message == "aer/statevector stopped: it ran longer than allowed"


def test_jobs_are_lost_when_the_host_is_killed_and_the_next_submit_starts_another(tmp_path, orders):
    mine = local_backend(tmp_path)
    done, running = mine.submit(orders(BELL)), mine.submit(orders(lasting(), "local/aer"))
    mine.wait([done], 30)
    pid = host_pid(mine)
    os.kill(pid, signal.SIGKILL)
    while Path(f"/proc/{pid}/exe").exists():
        time.sleep(0.01)
    looks = mine.poll([done, running])
    assert {look.phase for look in looks.values()} == {Phase.LOST}
    assert mine.wait([running], 5) == [running]
    with pytest.raises(UnknownJob):
        mine.fetch(done)
    mine.cancel(running)
    assert run(mine, orders(BELL)).points[0].counts
    assert mine.poll([done])[done].phase is Phase.LOST
    mine.close()


def host_pid(backend):
    (hello,) = backend._caller.ask_all("hello", [None])
    return hello["pid"]


def test_the_socket_is_ours_alone_and_goes_with_the_host(tmp_path, orders):
    mine = local_backend(tmp_path / ("deep" * 20) / ("deeper" * 20), idle_s=0.1)
    folder = mine._caller._data
    assert run(mine, orders(BELL)).points[0].counts
    assert (folder / wire.socket_name()).stat().st_mode & 0o777 == 0o600
    pid = host_pid(mine)
    mine.close()
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not (folder / wire.socket_name()).exists()


def test_a11_a_host_of_the_release_before_serves_nobody_of_this_one(tmp_path, orders):
    lock = os.open(tmp_path / "local.host.lock", os.O_RDWR | os.O_CREAT)
    with socket.socket(socket.AF_UNIX) as before:  # it listens, and understands nothing
        fcntl.flock(lock, fcntl.LOCK_EX)
        before.bind(str(tmp_path / "local.sock"))
        before.listen()
        mine = local_backend(tmp_path)
        assert run(mine, orders(BELL)).points[0].counts
        mine.close()
        before.setblocking(False)
        with pytest.raises(BlockingIOError):
            before.accept()
    os.close(lock)


def test_a11_every_change_of_the_code_of_hosts_and_children_makes_another_edition(tmp_path, monkeypatch):
    package = Path(wire.__file__).parents[1]
    copied = shutil.copytree(package, tmp_path / "backends", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(wire, "__file__", str(copied / "local" / "wire.py"))
    same = wire.edition.__wrapped__()
    assert same == wire.edition()
    (copied / "child_main.py").write_text("another")
    assert wire.edition.__wrapped__() != same


def test_many_workers_share_one_host(tmp_path, orders):
    import threading

    mine = [local_backend(tmp_path) for _ in range(6)]
    pids = []
    submit = [
        threading.Thread(target=lambda one=one: (one.submit(orders(BELL)), pids.append(host_pid(one)))) for one in mine
    ]
    for thread in submit:
        thread.start()
    for thread in submit:
        thread.join()
    for one in mine:
        one.close()
    assert len(pids) == 6
    assert len(set(pids)) == 1


def test_orders_of_many_programs_and_devices_are_answered_in_their_order(backend, orders):
    mixed = [orders(rotations(3, 2, seed), GATE[seed % 3], shots=64, seed=seed) for seed in range(300)]
    mixed[7] = orders(rotations(40, 60, 1))
    ids = backend.submit_many(mixed)
    assert isinstance(ids.pop(7), Refused)
    assert set(backend.wait(ids, 60, need=len(ids))) == set(ids)
    assert {look.phase for look in backend.poll(ids).values()} == {Phase.DONE}
    outcomes = backend.fetch_many([*ids, "nobody"])
    assert isinstance(outcomes.pop(), UnknownJob)
    assert all(sum(outcome.points[0].counts.values()) == 64 for outcome in outcomes)
