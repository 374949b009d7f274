"""Is a run weighed as the host will choose, and does the host tell what waits in it?"""

from __future__ import annotations

import time
from dataclasses import replace

from backends.local import machine
from backends.local.book import Job
from backends.local.choose import Choice, Machine, Need, choose
from backends.local.lane import Lane
from backends.local.weigh import weight
from broker.domain.host import ALL_CORES, SMALL_S, Weight
from broker.domain.program import Format, Paradigm
from broker.domain.requirement import Requirement
from tests.support.local_orders import BELL as PAIR

GIB = 1 << 30
DENSE = Requirement(
    format=Format.OPENQASM2, paradigm=Paradigm.GATE, width=24, gates=((1, 500), (2, 300)), operations=800,
    entangling_cut=12, shots=100,
)  # fmt: skip
BELL = replace(DENSE, width=2, gates=((1, 1), (2, 1)), operations=2, entangling_cut=1)


def weighed(need, device="local/aer", memory=16 * GIB):
    return weight(device, need, method="", memory_bytes=memory)


def test_a_bell_pair_is_small_and_a_dense_state_has_all_cores_and_its_memory():
    assert weighed(BELL).seconds < SMALL_S
    dense = weighed(DENSE)
    assert (dense.cores, dense.seconds > 1) == (ALL_CORES, True)
    assert 16 << 24 < dense.memory_bytes < 2 * (16 << 24)


def test_the_weight_is_that_of_the_hosts_choice():
    need = Need(
        width=24, operations=800, multi_qubit_gates=300, entangling_cut=12, clifford=False, dynamic=False, shots=100,
        points=1,
    )  # fmt: skip
    chosen = choose(need, Machine(memory_bytes=16 * GIB, qsim=False), device="aer")
    assert (weighed(DENSE).seconds, weighed(DENSE).memory_bytes) == (chosen.seconds, chosen.memory_bytes)
    assert weighed(replace(DENSE, points=3)).seconds == 3 * chosen.seconds


def test_what_fits_nowhere_is_left_to_the_host_to_refuse():
    assert weighed(DENSE, memory=GIB >> 3) == Weight()


def test_analog_and_photonic_runs_are_weighed_too():
    atoms = replace(DENSE, format=Format.PULSER, paradigm=Paradigm.ANALOG, width=12, duration_us=1.0)
    assert weighed(atoms, "local/pulser").cores == 1
    assert weighed(atoms, "local/pulser").memory_bytes > weighed(replace(atoms, width=8), "local/pulser").memory_bytes


def test_the_host_says_what_it_has(backend, orders):
    (remote_id,) = backend.submit_many([orders(PAIR)])
    assert backend.wait([remote_id], 30) == [remote_id]
    room, until = backend.capacity(), time.monotonic() + 10
    assert (room.cores, room.memory_bytes, room.backlog_s) == (machine.cores(), 2 * GIB, 0.0)
    while room.free_cores < room.cores and time.monotonic() < until:  # its place is given back after its answer
        room = backend.capacity()
    assert (room.free_cores, room.free_memory_bytes) == (room.cores, room.memory_bytes)


def test_a_lane_knows_what_waits_in_it():
    lane = Lane()
    jobs = [_job(name) for name in "abc"]
    for job in jobs:
        lane.add(job, 4.0)
    assert lane.waiting_s == 12.0
    taken = lane.take()
    assert lane.waiting_s == 8.0
    lane.hold(taken)
    assert lane.waiting_s == 12.0
    lane.over(lane.take())
    for job in jobs:
        job.phase = "cancelled"
    assert lane.take() is None
    assert lane.waiting_s == 0.0


def _job(name):
    chosen = Choice(engine="aer", method="statevector", reason="", memory_bytes=1, seconds=4.0)
    return Job(
        id=name, token=name, device="local/aer", kind="gate", sha256=name, program={}, shots=1, points=[], seed=None,
        choice=chosen, bits=1, photons=0, owner=("o", "p", name),
    )  # fmt: skip
