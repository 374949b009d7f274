"""Does a sandbox that is killed come back with the same tasks, in the same order?"""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request

import pytest

from backends.base import Phase
from backends.braket.adapter import BraketBackend
from backends.braket.settings import settings_from
from tests.contract.braket_case import CASE
from tests.contract.promises import ended, order_of, until


class Killable:
    """The launcher in a process of its own, as ``qsubmit sandbox`` starts it."""

    def __init__(self, data):
        command = [sys.executable, "-m", "backends.sandbox", "braket", "--data", str(data), "--tethered"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        ready = self.process.stdout.readline()
        assert ready.startswith("ready http://127.0.0.1:")
        self.url = ready.split()[1]

    def turn(self, **knobs):
        request = urllib.request.Request(f"{self.url}/_sandbox/knobs", json.dumps(knobs).encode())
        urllib.request.urlopen(request).close()

    def ledger(self):
        with urllib.request.urlopen(f"{self.url}/_sandbox/ledger") as reply:
            return json.load(reply)

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


@pytest.mark.timeout(180)
def test_after_a_kill_the_same_tasks_end_in_the_same_order(tmp_path):
    sandbox = Killable(tmp_path)
    backend = BraketBackend(settings_from({"QSUBMIT_BRAKET_SANDBOX_URL": sandbox.url}))
    device = next(each for each in backend.devices() if each.name == CASE.device)
    sandbox.turn(run_delay=60)
    orders = [order_of(CASE, device) for _ in range(3)]
    remote_ids = [backend.submit(order) for order in orders]
    until(lambda: backend.poll(remote_ids)[remote_ids[0]].phase is Phase.RUNNING)
    sandbox.kill()
    backend.close()

    sandbox = Killable(tmp_path)
    backend = BraketBackend(settings_from({"QSUBMIT_BRAKET_SANDBOX_URL": sandbox.url}))
    try:
        assert [ended(backend, remote_id).phase for remote_id in remote_ids] == [Phase.DONE] * 3
        assert [list(backend.find(order.token)) for order in orders] == [[remote_id] for remote_id in remote_ids]
        assert backend.submit(orders[0]) == remote_ids[0]
        ledger = sandbox.ledger()
        assert [entry["token"] for entry in ledger["creates"]] == [order.token for order in orders]
        assert [entry["token"] for entry in ledger["charges"]] == [order.token for order in orders]
    finally:
        sandbox.kill()
        backend.close()
