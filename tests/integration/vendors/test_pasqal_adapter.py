"""Does the adapter's own part hold: fitting to a machine, sessions, partial results, and a vendor that is killed?"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from backends.base import Phase
from backends.errors import Busy, Refused
from backends.pasqal.adapter import PasqalBackend
from backends.pasqal.draft import Draft, DraftJob
from backends.pasqal.settings import sandbox_settings
from broker.domain.device import Status
from broker.domain.ids import RemoteId
from broker.domain.price import charge
from tests.support.pasqal_orders import order_for
from tests.support.pasqal_programs import HALF_TURN_NS, chain, program_of

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
ROOT = Path(__file__).parents[3]


@pytest.fixture
def sandbox(pasqal):
    yield pasqal[0]
    pasqal[0].knobs.reset()


@pytest.fixture
def backend(pasqal):
    return pasqal[1]


@pytest.fixture
def devices(pasqal):
    return pasqal[2]


def ended(backend, remote_id, *, seconds=60.0):
    ends = time.monotonic() + seconds
    while (look := backend.poll([remote_id])[remote_id]).phase in (Phase.QUEUED, Phase.RUNNING):
        assert time.monotonic() < ends
        time.sleep(0.02)
    return look


def test_a_sequence_for_the_analog_device_is_fitted_to_the_machine(backend, devices):
    order = order_for(program_of(chain(2, measured=False).build(t=200)), device=devices["pasqal/fresnel"], width=2)
    remote_id = backend.submit(order)
    assert ended(backend, remote_id).phase is Phase.DONE
    outcome = backend.fetch(remote_id)
    assert '"name": "FRESNEL"' in outcome.compiled.replace('":"', '": "')
    assert '"layout"' in outcome.compiled
    assert "p_false_neg" in outcome.calibration


def test_a_sweep_on_the_machine_keeps_its_variables(backend, devices):
    points = ({"t": 16.0}, {"t": float(HALF_TURN_NS)})
    order = order_for(program_of(chain(1)), device=devices["pasqal/fresnel"], points=points)
    remote_id = backend.submit(order)
    assert ended(backend, remote_id).phase is Phase.DONE
    low, high = backend.fetch(remote_id).points
    assert (low.bindings, high.bindings) == points
    assert low.counts["0"] > 80
    assert high.counts["1"] > 80


def test_a_sequence_that_cannot_move_to_the_machine_is_refused_before_the_wire(sandbox, backend, devices):
    from pulser.devices import MockDevice

    order = order_for(program_of(chain(2, MockDevice).build(t=200)), device=devices["pasqal/fresnel"], width=2)
    with pytest.raises(Refused, match="Rydberg levels"):
        backend.submit(order)
    assert sandbox.ledger.entries("create", order.token) == []


def test_a_machine_without_a_specification_is_offline_and_a_new_adapter_waits(sandbox, backend, devices):
    sandbox.knobs.turn(offline=["FRESNEL_CAN1"])
    shown = {device.name: device.status for device in backend.devices()}
    assert shown["pasqal/fresnel-can1"] is Status.OFFLINE
    order = order_for(program_of(chain(1).build(t=200)), device=devices["pasqal/fresnel-can1"])
    with pytest.raises(Busy, match="FRESNEL_CAN1"):
        backend.submit(order)


def test_a_cancelled_sweep_says_what_its_finished_points_cost(sandbox, backend, devices):
    device = devices["pasqal/emu-free"]
    points = tuple({"t": float(16 + 4 * step)} for step in range(40))
    sandbox.knobs.turn(run_delay=0.2)
    order = order_for(program_of(chain(1)), device=device, points=points, shots=5)
    remote_id = backend.submit(order)
    ends = time.monotonic() + 30
    while "DONE" not in backend.poll([remote_id])[remote_id].message:
        assert time.monotonic() < ends
        time.sleep(0.02)
    backend.cancel(remote_id)
    look = backend.poll([remote_id])[remote_id]
    [bill] = sandbox.ledger.entries("charge", order.token)
    assert look.phase is Phase.CANCELLED
    assert look.usage.shots == bill.shots > 0
    assert charge(device.price, look.usage).micros == bill.micros


def test_a_sweep_with_a_failed_point_gives_the_others(sandbox, backend, devices):
    sandbox.knobs.turn(fail_next=1)
    points = ({"t": 16.0}, {"t": 20.0})
    order = order_for(program_of(chain(1)), device=devices["pasqal/emu-sv"], points=points, shots=5)
    remote_id = backend.submit(order)
    assert ended(backend, remote_id).phase is Phase.DONE
    outcome = backend.fetch(remote_id)
    assert [sum(point.counts.values()) for point in outcome.points] == [0, 5]
    assert "point 0 is ERROR" in outcome.warnings[0]
    [bill] = sandbox.ledger.entries("charge", order.token)
    assert bill.micros == charge(order.device.price, outcome.usage).micros


def test_a_session_is_an_open_batch(sandbox, backend):
    sequence = chain(1).to_abstract_repr()
    draft = Draft(sequence=sequence, jobs=(), device_type="EMU_FREE", tags=("qsub-session",), open=True)
    remote_id = RemoteId(backend.cloud.create(draft))
    first = backend.cloud.add_jobs(remote_id, [DraftJob(runs=3, variables={"t": 16})])
    both = backend.cloud.add_jobs(remote_id, [DraftJob(runs=4, variables={"t": 20})])
    assert (len(first), both[:1]) == (1, first)
    backend.cloud.close(remote_id)
    assert ended(backend, remote_id).phase is Phase.DONE
    assert [sum(point.counts.values()) for point in backend.fetch(remote_id).points] == [3, 4]
    with pytest.raises(Refused, match="closed"):
        backend.cloud.add_jobs(remote_id, [DraftJob(runs=1, variables={"t": 16})])


def test_jobs_may_bring_sequences_of_their_own(backend):
    jobs = tuple(DraftJob(runs=9, sequence=chain(atoms).build(t=HALF_TURN_NS).to_abstract_repr()) for atoms in (1, 2))
    remote_id = RemoteId(backend.cloud.create(Draft(sequence=None, jobs=jobs, device_type="EMU_SV")))
    assert ended(backend, remote_id).phase is Phase.DONE
    assert [set(map(len, point.counts)) for point in backend.fetch(remote_id).points] == [{1}, {2}]


class Process:
    """The sandbox as its own process, to be killed."""

    def __init__(self, data, *, port=0):
        command = [sys.executable, "-m", "backends.sandbox", "pasqal", "--data", str(data), "--port", str(port)]
        self._popen = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        self.url = self._popen.stdout.readline().split()[1]

    def kill(self):
        os.kill(self._popen.pid, signal.SIGKILL)
        self._popen.wait()
        self._popen.stdout.close()


def test_a_killed_vendor_comes_back_with_the_same_jobs_and_one_bill(tmp_path):
    import httpx

    first = Process(tmp_path)
    port = int(first.url.rsplit(":", 1)[1])
    backend = PasqalBackend(sandbox_settings(first.url))
    device = next(device for device in backend.devices() if device.name == "pasqal/emu-free")
    httpx.post(f"{first.url}/_sandbox/knobs", json={"run_delay": 30})
    orders = [order_for(program_of(chain(1).build(t=200)), device=device) for _ in range(3)]
    ids = [backend.submit(order) for order in orders]
    ends = time.monotonic() + 30
    while backend.poll(ids)[ids[0]].phase is not Phase.RUNNING:
        assert time.monotonic() < ends
        time.sleep(0.05)
    first.kill()
    with pytest.raises(Busy):
        backend.poll(ids)
    second = Process(tmp_path, port=port)
    assert [ended(backend, one).phase for one in ids] == [Phase.DONE] * 3
    assert [list(backend.find(order.token)) for order in orders] == [[one] for one in ids]
    ledger = httpx.get(f"{second.url}/_sandbox/ledger").json()
    assert [entry["task"] for entry in ledger["creates"]] == ids
    assert sorted(entry["task"] for entry in ledger["charges"]) == sorted(ids)
    backend.close()
    second.kill()
