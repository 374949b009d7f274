"""Do two real hubs work together? Daejeon forwards to Seoul over HTTP, and dies in the middle of it."""

from __future__ import annotations

import shutil
import signal
import time
from pathlib import Path

import pytest
import yaml

from tests.support.hub import running, wait_all

SEEDS = Path("seeds")
BELL = (SEEDS / "programs" / "bell.qasm").read_text()
SWEEP = (SEEDS / "programs" / "sweep3.qasm").read_text()
DEVICE = "peer/seoul-local-auto"
# The scan alone drives, so that the worker that forwards is known.
OPTIONS = ("--no-sandbox", "--no-redis")

pytestmark = pytest.mark.xdist_group("peer")


def seeds_with_a_loan(folder):
    """Daejeon's operator opens the peer's devices by an agreement: a row, and no code."""
    folder.mkdir()
    for path in SEEDS.glob("*.yaml"):
        shutil.copy(path, folder)
    hubs = yaml.safe_load((folder / "hubs.yaml").read_text())
    daejeon = next(hub for hub in hubs["hubs"] if hub["slug"] == "daejeon")
    daejeon["agreements"].append({"pattern": "peer/seoul-*", "example": True, "note": "a loan between hubs"})
    (folder / "hubs.yaml").write_text(yaml.safe_dump(hubs))
    return folder


@pytest.fixture(scope="module")
def seoul(tmp_path_factory):
    with running(tmp_path_factory.mktemp("seoul") / "data", *OPTIONS, environ={"QSUBMIT_BACKENDS": "local"}) as hub:
        yield hub


@pytest.fixture(scope="module")
def daejeon(seoul, tmp_path_factory):
    home = tmp_path_factory.mktemp("daejeon")
    (home / "seoul.key").write_text(seoul.key("seoul"))
    environ = {
        "QSUBMIT_BACKENDS": "peer",
        "QSUBMIT_PEER_URLS": f"seoul={seoul.url}",
        "QSUBMIT_PEER_SEOUL_KEY_FILE": str(home / "seoul.key"),
        "QSUBMIT_CRASH": str(home / "plan"),
    }
    seeds = str(seeds_with_a_loan(home / "seeds"))
    with running(home / "data", *OPTIONS, "--seeds", seeds, environ=environ) as hub, hub.client() as client:
        end = time.monotonic() + 60
        while DEVICE not in {device["name"] for device in client.devices()}:
            assert time.monotonic() < end, hub.log()[-2000:]
            time.sleep(0.1)
        yield hub


def theirs(seoul, token):
    with seoul.client("seoul") as client:
        return list(client.jobs(tag=token))


def test_a_bell_pair_goes_to_seoul_and_comes_back_with_its_bill(daejeon, seoul):
    with daejeon.client() as client:
        job = client.submit(BELL, format="openqasm2", shots=500, seed=11, device=DEVICE)["id"]
        view = wait_all(client, [job])[job]
        result = client.result(job)
    [there] = theirs(seoul, view["attempt"]["token"])
    assert view["state"] == "succeeded", view["error"]
    assert set(result["counts"]) == {"00", "11"}
    assert sum(result["counts"].values()) == 500
    assert view["attempt"]["remote_id"] == f"seoul:{there['id']}"
    assert there["seed"] == 11
    assert view["cost"]["currency"] == there["cost"]["currency"] == "KRW"
    assert float(view["cost"]["charged"]) == pytest.approx(float(there["cost"]["charged"]), abs=1e-6)
    assert float(view["cost"]["charged"]) > 0
    assert all(view["latency"][part] is not None for part in ("broker_queue_s", "vendor_queue_s", "run_s", "fetch_s"))
    with seoul.client("seoul") as client:
        assert result["counts"] == client.result(there["id"])["counts"]


def test_a_sweep_is_one_job_there_too(daejeon, seoul):
    points = [{"theta": 0.0}, {"theta": 3.141592653589793}]
    with daejeon.client() as client:
        job = client.submit(SWEEP, format="openqasm3", shots=100, points=points, device=DEVICE)["id"]
        view = wait_all(client, [job])[job]
        found = client.result(job)["points"]
    assert [point["bindings"] for point in found] == points
    assert len(theirs(seoul, view["attempt"]["token"])) == 1


def test_seoul_offers_what_daejeon_may_use_and_says_what_it_is(daejeon):
    with daejeon.client() as client:
        shown = {device["name"]: device for device in client.devices()}
    assert all(name.startswith("peer/seoul-local-") for name in shown)
    assert shown[DEVICE]["accessible"]
    assert shown[DEVICE]["kind"] == "simulator"
    assert shown[DEVICE]["price"]["currency"] == "KRW"


def test_a_worker_killed_after_the_send_leaves_exactly_one_job_there(daejeon, seoul):
    plan = daejeon.data.parent / "plan"
    plan.write_text(f"workers.scan submit.after_send 1 {int(signal.SIGKILL)} 0")
    with daejeon.client() as client:
        job = client.submit(BELL, format="openqasm2", shots=100, device=DEVICE)["id"]
        view = wait_all(client, [job])[job]
    assert not plan.exists(), "nobody was killed"
    assert view["state"] == "succeeded", view["error"]
    assert "unknown" in [move["state"] for move in view["timeline"]]
    [there] = theirs(seoul, view["attempt"]["token"])
    assert view["attempt"]["number"] == 1
    assert view["attempt"]["remote_id"] == f"seoul:{there['id']}"
