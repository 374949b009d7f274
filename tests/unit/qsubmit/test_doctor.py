"""Does the doctor find what is wrong and say what to do?"""

from __future__ import annotations

import json
from email.utils import formatdate

import pytest

from qsubmit.cli import checks
from qsubmit.config import Settings
from tests.unit.qsubmit.fake_broker import Fault, wall
from tests.unit.qsubmit.fake_shapes import attempt_view


def test_a_healthy_place(qsubmit):
    said = qsubmit("doctor")

    assert said.code == 0
    assert "nothing is wrong" in said.out
    assert "store ok, queue ok" in said.out


def test_as_json(qsubmit):
    document = json.loads(qsubmit("doctor", "--json").out)

    assert document["ok"] is True
    assert {check["name"] for check in document["checks"]} >= {"version", "packages", "config", "server", "key"}


def test_no_server(qsubmit, monkeypatch):
    monkeypatch.setenv("QSUBMIT_URL", "http://127.0.0.1:9")

    said = qsubmit("doctor")

    assert said.code == 8
    assert "qsubmit up --data DIR" in said.out


def test_no_key_and_a_wrong_key(qsubmit, monkeypatch):
    monkeypatch.setenv("QSUBMIT_API_KEY", "wrong")
    wrong = qsubmit("doctor")
    monkeypatch.delenv("QSUBMIT_API_KEY")
    absent = qsubmit("doctor")

    assert (wrong.code, absent.code) == (3, 3)
    assert "there is no API key" in absent.out


def test_a_server_that_is_not_ready(qsubmit, broker):
    broker.ready = {"status": "degraded", "checks": {"devices": "no worker has reported any device yet"}}
    broker.faults.append(Fault(503, broker.ready, path="/readyz"))

    said = qsubmit("doctor")

    assert "degraded: devices no worker has reported any device yet" in said.out
    assert said.code == 0


def test_a_server_that_is_not_ours(qsubmit, broker):
    broker.faults.append(Fault(200, {"hello": "world"}, path="/readyz"))

    assert "a qsubmit server?" in qsubmit("doctor").out


def test_another_interface():
    assert checks.interface("1.2").verdict == "ok"
    assert checks.interface("2").verdict == "warn"


class Dated:
    def __init__(self, date):
        self.headers = {"Date": date} if date else {}


@pytest.mark.parametrize(("offset", "verdict"), [(0, "ok"), (-120, "warn"), (300, "warn")])
def test_the_clock(offset, verdict):
    import time

    assert checks.clock(Dated(formatdate(time.time() + offset))).verdict == verdict


def test_a_server_without_a_clock():
    assert checks.clock(Dated(None)).verdict == "warn"


def test_somebody_else_owns_a_name():
    found = checks.packages({"broker": {"qsubmit", "stockbroker"}, "workers": {"qsubmit"}}, {})

    assert [finding.verdict for finding in found] == ["bad"]
    assert "'stockbroker'" in found[0].said
    assert "pip uninstall stockbroker" in found[0].remedy


def test_a_folder_shadows_a_name():
    found = checks.packages({}, {"workers": "/home/me/workers"})

    assert "/home/me/workers" in found[0].said


def test_here_nobody_shadows_us():
    assert checks.shadows() == {}


def test_an_open_file_is_warned_about(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text("url = 'x'")
    path.chmod(0o644)
    settings = Settings(url="x", api_key=None, path=str(path), profile=None)
    settings.sources["url"] = str(path)

    (finding,) = checks.configuration(settings)

    assert finding.remedy == [f"chmod 600 {path}"]


def test_a_broken_configuration_is_a_finding(qsubmit, tmp_path):
    path = tmp_path / "config" / "qsubmit" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text("[")

    said = qsubmit("doctor")

    assert said.code == 2
    assert "BAD  config" in said.out


def test_a_key_in_clear_text_over_a_network():
    class Remote:
        url = "http://hub.example"
        settings = Settings(url=url, api_key="k", path="", profile=None)

    assert checks.transport(Remote())[0].verdict == "warn"


def test_a_job_in_attention_comes_with_the_exact_commands(qsubmit, broker):
    name = broker.add_job(state="attention", attempt=attempt_view())

    for said in (qsubmit("doctor"), qsubmit("doctor", name)):
        assert "named or tagged qsub-a1" in said.out
        assert f"qsubmit admin adopt {name} --remote-id ID --reason" in said.out
        assert f"qsubmit admin release {name} --reason" in said.out


def test_a_job_in_unknown_is_explained(qsubmit, broker):
    assert "a worker is asking" in qsubmit("doctor", broker.add_job(state="unknown")).out


def test_any_other_job_points_to_explain(qsubmit, broker):
    name = broker.add_job(state="failed")

    assert f"qsubmit explain {name}" in qsubmit("doctor", name).out


def test_a_job_that_is_not_there(qsubmit):
    assert qsubmit("doctor", "x").code == 7


def test_a2_the_walls_that_stand(qsubmit):
    said = qsubmit("doctor")

    assert "hub1: programs run behind files, user" in said.out
    assert "nothing is wrong" in said.out


def test_a2_a_wall_that_is_missing_is_a_warning_with_its_consequence(qsubmit, broker):
    broker.walls = [wall("files"), wall("user", stands=False, means="it is the worker's own user")]

    document = json.loads(qsubmit("doctor", "--json").out)

    found = [check for check in document["checks"] if check["name"] == "walls"]
    assert [check["verdict"] for check in found] == ["ok", "warn"]
    assert "lacks the wall 'user'" in found[1]["said"]
    assert "it is the worker's own user" in found[1]["said"]
    assert document["ok"] is True


def test_a2_walls_nobody_has_reported(qsubmit, broker):
    broker.walls = []

    assert "no worker has reported any yet" in qsubmit("doctor").out


def test_a2_a_member_hears_nothing_of_walls(qsubmit, broker):
    problem = {"type": "about:blank", "title": "Forbidden", "status": 403, "code": "forbidden", "detail": "no"}
    broker.faults.append(Fault(403, problem, path="/v1/walls"))

    said = qsubmit("doctor")

    assert "walls" not in said.out
    assert said.code == 0
