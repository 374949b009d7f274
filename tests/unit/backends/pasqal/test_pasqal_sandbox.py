"""Does the sandbox keep, refuse, bill and remember as a vendor would? Without a simulator: nothing here runs."""

from __future__ import annotations

import json
import time

import pytest

from backends.pasqal.sandbox import accounts
from backends.pasqal.sandbox.accounts import Accounts
from backends.pasqal.sandbox.admission import Admission, Wanted, device_type_of, tags_of
from backends.pasqal.sandbox.batches import BatchRow, batch_word
from backends.pasqal.sandbox.billing import bill
from backends.pasqal.sandbox.serve import Sandbox
from backends.pasqal.wire.executor import Denied, Query
from backends.sandboxing.knobs import Knobs, Setting
from backends.sandboxing.tasks import State, Task

SPEC = {"name": "FRESNEL", "max_runs": 50}
SEQUENCE = json.dumps({"device": SPEC, "register": [{"name": "q0"}], "variables": {"t": {"value": [0]}}})


def row(**changes):
    return BatchRow(**{"id": "b", "user": "u", "project": "p", "device_type": "EMU_FREE", **changes})


def task(state, *, shots=10, started=100.0, ended=102.5, name="t"):
    return Task(
        id=name,
        device="EMU_FREE",
        family="b",
        shots=shots,
        request={},
        notes={},
        state=state,
        started_at=started if state not in (State.QUEUED, State.CANCELLED) else None,
        ended_at=ended if state in (State.DONE, State.FAILED, State.CANCELLED) else None,
    )


def wanted(job, *, device_type="EMU_FREE", shared=SEQUENCE, spec=SPEC):
    admission = Admission(device_type=device_type, spec_of=lambda _: json.dumps(spec))
    return admission.jobs([job], shared=shared)


@pytest.mark.parametrize(
    ("states", "changes", "word"),
    [
        ([], {"open": True}, "PENDING"),
        ([State.QUEUED], {}, "PENDING"),
        ([State.RUNNING, State.QUEUED], {}, "RUNNING"),
        ([State.DONE, State.QUEUED], {}, "RUNNING"),
        ([State.DONE], {"open": True}, "RUNNING"),
        ([State.DONE], {}, "DONE"),
        ([State.DONE, State.FAILED], {}, "DONE"),
        ([State.FAILED], {}, "ERROR"),
        ([State.CANCELLED], {"cancelled": True}, "CANCELED"),
        ([State.DONE, State.CANCELLED], {"cancelled": True}, "CANCELED"),
        ([State.DONE, State.CANCELLED], {}, "DONE"),
        ([State.DONE], {"timed_out": True}, "TIMED_OUT"),
    ],
)
def test_a_batch_shows_what_its_jobs_do(states, changes, word):
    assert batch_word(row(**changes), [task(state) for state in states]) == word


def test_only_finished_jobs_are_billed_and_only_at_the_end():
    done, failed, cancelled = task(State.DONE), task(State.FAILED), task(State.CANCELLED)
    entry = bill(row(tags=("qsub-1", "x")), [done, failed, cancelled, done])
    assert (entry.shots, entry.micros, entry.token) == (20, 5000, "qsub-1")
    assert bill(row(), [done, task(State.RUNNING)]) is None
    assert bill(row(open=True), [done]) is None
    assert bill(row(), [failed, cancelled]) is None


def test_a_machine_is_billed_by_the_shot():
    assert bill(row(device_type="FRESNEL"), [task(State.DONE, shots=100)]).micros == 1_000_000


def test_a_good_job_passes():
    assert wanted({"runs": 5, "variables": {"t": 16}}) == [Wanted(runs=5, variables={"t": 16}, sequence=None)]


def test_an_emulator_may_take_its_shots_from_its_configuration():
    assert wanted({"variables": {"t": 16}})[0].runs is None


@pytest.mark.parametrize(
    ("job", "device_type", "place"),
    [
        ({"runs": 0, "variables": {"t": 1}}, "EMU_FREE", ["jobs", 0, "runs"]),
        ({"runs": "5", "variables": {"t": 1}}, "EMU_FREE", ["jobs", 0, "runs"]),
        ({"runs": 51, "variables": {"t": 1}}, "FRESNEL", ["jobs", 0, "runs"]),
        ({"variables": {"t": 1}}, "FRESNEL", ["jobs", 0, "runs"]),
        ({"runs": 5}, "EMU_FREE", ["jobs", 0, "variables"]),
        ({"runs": 5, "variables": {"t": 1, "u": 1}}, "EMU_FREE", ["jobs", 0, "variables"]),
        ({"runs": 5, "variables": [1]}, "EMU_FREE", ["jobs", 0, "variables"]),
        ({"runs": 5, "sequence": "{"}, "EMU_FREE", ["sequence"]),
        ({"runs": 5, "sequence": "{}"}, "EMU_FREE", ["sequence"]),
    ],
)
def test_a_job_that_cannot_run_is_refused_at_its_place(job, device_type, place):
    with pytest.raises(Denied) as caught:
        wanted(job, device_type=device_type)
    assert caught.value.description[0]["loc"] == place


def test_a_machine_takes_only_its_present_specification():
    with pytest.raises(Denied, match="present FRESNEL"):
        wanted({"runs": 5, "variables": {"t": 1}}, device_type="FRESNEL", spec={**SPEC, "max_runs": 60})


def test_a_job_needs_a_sequence_from_somewhere():
    with pytest.raises(Denied, match="no sequence"):
        wanted({"runs": 5}, shared=None)


def test_too_many_atoms_for_the_sandbox_are_refused():
    many = json.dumps({"device": SPEC, "register": [{}] * 15})
    with pytest.raises(Denied, match="14 atoms"):
        wanted({"runs": 5}, shared=many)


def test_the_device_may_be_named_by_the_sequence():
    assert device_type_of({"sequence_builder": SEQUENCE}, ["FRESNEL"]) == "FRESNEL"
    assert device_type_of({"device_type": "EMU_SV"}, ["EMU_SV"]) == "EMU_SV"
    with pytest.raises(Denied, match="unknown"):
        device_type_of({"device_type": "EMU_TN"}, ["EMU_SV"])


@pytest.mark.parametrize("tags", ["x", [1], [""], ["x"] * 21])
def test_odd_tags_are_refused(tags):
    with pytest.raises(Denied):
        tags_of({"tags": tags})


def test_a_token_ends_and_survives_a_restart(tmp_path, monkeypatch):
    form = {"grant_type": "password", "username": "me", "password": "any"}
    token = Accounts(tmp_path).grant(form)["access_token"]
    assert Accounts(tmp_path).user_of(token) == "me"
    later = time.time() + accounts.LIFETIME_S + 1
    monkeypatch.setattr(accounts, "vendor_now", lambda: later)
    with pytest.raises(Denied, match="expired"):
        Accounts(tmp_path).user_of(token)


def test_any_other_token_is_somebody(tmp_path):
    assert Accounts(tmp_path).user_of("opaque") == "token"
    assert Accounts(tmp_path).user_of("a.b.c") == "token"


@pytest.mark.parametrize("change", [{"grant_type": "code"}, {"username": ""}, {"password": " "}])
def test_a_malformed_account_is_refused(tmp_path, change):
    form = {"grant_type": "password", "username": "me", "password": "any", **change}
    with pytest.raises(Denied):
        Accounts(tmp_path).grant(form)


@pytest.fixture
def service(tmp_path):
    sandbox = Sandbox(tmp_path, Knobs(Setting(queue_delay=3600)))
    yield sandbox.service
    sandbox.close()


def body(**changes):
    job = {"runs": 5, "variables": {"t": 16}}
    return {"sequence_builder": SEQUENCE, "device_type": "EMU_FREE", "jobs": [job], "tags": ["qsub-1"], **changes}


def test_an_open_batch_takes_jobs_until_it_is_closed(service):
    made = service.create("u", body(open=True, jobs=[]))
    assert (made["open"], made["status"], made["jobs"]) == (True, "PENDING", [])
    added = service.add_jobs(made["id"], body()["jobs"] * 2)
    assert [job["status"] for job in added["jobs"]] == ["PENDING", "PENDING"]
    assert service.close(made["id"])["open"] is False
    with pytest.raises(Denied, match="closed"):
        service.add_jobs(made["id"], body()["jobs"])
    kinds = [(entry.kind, entry.shots) for entry in service.ledger.entries()]
    assert kinds == [("create", 0), ("add", 10)]


def test_an_idle_open_batch_times_out(service, monkeypatch):
    from backends.pasqal.sandbox import service as module

    made = service.create("u", body(open=True, jobs=[]))
    monkeypatch.setattr(module, "IDLE_S", -1.0)
    assert service.read(made["id"])["status"] == "TIMED_OUT"


def test_a_closed_batch_needs_jobs(service):
    with pytest.raises(Denied, match="needs jobs"):
        service.create("u", body(jobs=[]))


def test_what_was_refused_left_no_trace(service):
    for change in ({"device_type": "NONE"}, {"tags": "x"}, {"jobs": [{}]}, {"sequence_builder": None}):
        with pytest.raises(Denied):
            service.create("u", body(**change))
    assert service.batches(Query()).total == 0
    assert service.ledger.entries() == []


def test_a_cancelled_batch_is_over_and_free(service):
    made = service.create("u", body())
    assert service.cancel(made["id"])["status"] == "CANCELED"
    with pytest.raises(Denied, match="cannot be cancelled"):
        service.cancel(made["id"])
    assert service.ledger.entries("charge") == []


def test_listings_filter_and_page(service):
    ids = [service.create("u", body(tags=["qsub-1", str(n % 2)]))["id"] for n in range(5)]
    assert [batch["id"] for batch in service.batches(Query()).items] == ids[::-1]
    assert service.batches(Query(tag="1")).total == 2
    assert service.batches(Query(tag="qsub")).total == 0
    page = service.batches(Query(offset=1, limit=2))
    assert [batch["id"] for batch in page.items] == ids[::-1][1:3]
    assert page.total == 5
    assert service.batches(Query(statuses=("DONE",))).total == 0
    assert service.batches(Query(ids=(ids[2],))).total == 1
    assert service.jobs(Query(batches=(ids[2],))).total == 1


def test_a_result_is_opened_only_by_its_signature(service):
    made = service.create("u", body())
    with pytest.raises(Denied) as caught:
        service.result(made["jobs"][0]["id"], "guess")
    assert caught.value.code == 403
    assert service.result_path(made["jobs"][0]["id"]) is None


def test_tags_can_be_replaced(service):
    made = service.create("u", body())
    assert service.tag(made["id"], ["other"])["tags"] == ["other"]
    assert service.batches(Query(tag="qsub-1")).total == 0


def test_a_restart_keeps_ids_and_order(tmp_path):
    first = Sandbox(tmp_path, Knobs(Setting(queue_delay=3600)))
    ids = [first.service.create("u", body())["id"] for _ in range(3)]
    first.close()
    second = Sandbox(tmp_path, Knobs(Setting(queue_delay=3600)))
    assert [batch["id"] for batch in second.service.batches(Query()).items] == ids[::-1]
    second.close()
