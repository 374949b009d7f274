"""Does each command that reads or settles say what it promises, against the real shapes?"""

from __future__ import annotations

from tests.unit.qsubmit.fake_shapes import attempt_view, device, only_document, result_document


def test_status_shows_what_matters(qsubmit, broker):
    name = broker.add_job(
        state="attention",
        name="hom",
        device="quandela/belenos",
        attempt=attempt_view(remote_id="r-1", vendor_status="waiting", queue_position=3),
        error={"code": "vendor", "message": "no"},
    )

    said = qsubmit("status", name)

    for part in ("attention", "hom", "quandela/belenos", "r-1, waiting, place 3", "14 KRW quoted", "no (vendor)"):
        assert part in said.out


def test_status_json_of_one_and_of_several(qsubmit, broker):
    first, second = broker.add_job(), broker.add_job()

    assert only_document(qsubmit("status", first, "--json").out)["id"] == first
    both = only_document(qsubmit("status", first, "--json", second).out)
    assert [job["id"] for job in both["jobs"]] == [first, second]


def test_status_of_a_stranger_is_not_found(qsubmit):
    assert qsubmit("status", "x").code == 7


def test_watch_follows_several_and_ends_with_the_worst(qsubmit, broker):
    good, bad = broker.add_job(state="succeeded"), broker.add_job(state="failed")

    said = qsubmit("watch", good, bad)

    assert said.code == 1
    assert said.out.count("succeeded") == 1
    assert good in said.err


def test_watch_of_one_as_json(qsubmit, broker):
    name = broker.add_job(state="succeeded")

    assert only_document(qsubmit("watch", name, "--json").out)["state"] == "succeeded"


def test_watch_in_vain_times_out(qsubmit, broker):
    said = qsubmit("watch", broker.add_job(), broker.add_job(), "--timeout", "0.05")

    assert said.code == 9


def test_result_as_table_json_and_csv(qsubmit, broker):
    name = broker.add_job(state="succeeded")

    assert "51.4 %" in qsubmit("result", name).out
    assert only_document(qsubmit("result", name, "--json").out)["sha256"] == "ab" * 32
    assert qsubmit("result", name, "--csv").out == "outcome,count,probability\n00,514,0.514\n11,486,0.486\n"


SWEEP = [
    {"bindings": {"theta": 0.0}, "counts": {"0": 10}, "shots": 10},
    {"bindings": {"theta": 1.5}, "counts": {"0": 4, "1": 6}, "shots": 10},
]


def test_a_sweep_has_a_row_per_point(qsubmit, broker):
    name = broker.add_job(state="succeeded", points=2)
    broker.results[name] = result_document(broker.jobs[name], points=SWEEP)

    table = qsubmit("result", name).out
    sheet = qsubmit("result", name, "--csv").out

    assert "1    1.5     10  1 60.0 %, 0 40.0 %" in table
    assert sheet == "point,theta,shots,0,1\n0,0.0,10,10,0\n1,1.5,10,4,6\n"


def test_photonic_outcomes_survive_csv(qsubmit, broker):
    name = broker.add_job(state="succeeded")
    point = {"bindings": {}, "counts": {"|1,0>": 7}, "shots": 7}
    broker.results[name] = result_document(broker.jobs[name], points=[point], kind="photonic")

    assert '"|1,0>",7,1' in qsubmit("result", name, "--csv").out


def test_the_result_of_a_failed_job_is_its_failure(qsubmit, broker):
    said = qsubmit("result", broker.add_job(state="failed"))

    assert said.code == 1


def test_the_result_of_a_live_job_is_not_ready(qsubmit, broker):
    name = broker.add_job(state="running")

    said = qsubmit("result", name)

    assert said.code == 11
    assert f"hint: qsubmit watch {name}" in said.err


def test_result_waits_if_asked(qsubmit, broker):
    name = broker.add_job(state="succeeded")

    assert "51.4 %" in qsubmit("result", name, "--wait").out


def test_cancel_of_several_goes_on_after_an_error(qsubmit, broker):
    first, last = broker.add_job(), broker.add_job()
    ended = broker.add_job(state="succeeded")

    said = qsubmit("cancel", first, ended, last, "--json")

    document = only_document(said.out)
    assert said.code == 11
    assert [job["state"] for job in document["jobs"]] == ["cancelled", "cancelled"]
    assert document["errors"][0]["code"] == "not_cancellable"


def test_cancel_of_a_running_job_is_a_request(qsubmit, broker):
    assert "cancel requested" in qsubmit("cancel", broker.add_job(state="running")).out


def test_jobs_are_filtered_and_limited(qsubmit, broker):
    for number in range(5):
        broker.add_job(name=f"n{number}")

    said = qsubmit("jobs", "--limit", 3, "--state", "accepted", "--since", "2h")

    assert len(said.out.splitlines()) == 4
    assert "--all" in said.err
    query = broker.seen[0]["query"]
    assert (query["state"], query["limit"]) == ("accepted", "3")
    assert query["since"].endswith("Z")


def test_all_jobs_are_all_pages(qsubmit, broker, monkeypatch):
    monkeypatch.setattr("qsubmit.cli.jobs.LONGEST_PAGE", 2)
    for _ in range(5):
        broker.add_job()

    assert len(only_document(qsubmit("jobs", "--all", "--json").out)["jobs"]) == 5


def test_no_jobs_is_no_error(qsubmit):
    said = qsubmit("jobs")

    assert (said.code, said.out, said.err) == (0, "", "no jobs\n")


def test_a_name_cannot_drive_the_terminal(qsubmit, broker):
    broker.add_job(name="x\x1b[31mred\u202e")

    assert "\x1b" not in qsubmit("jobs").out


def test_devices_say_which_and_why_not(qsubmit):
    said = qsubmit("devices")

    assert "braket/ionq-forte-1*" in said.out
    assert "USD 0.3 + 0.0035/shot" in said.out
    assert "opens 11-23" in said.out
    assert "no access to braket/ionq-forte-1: hub seoul has no access agreement for it" in said.out
    assert "sandbox" in said.out


def test_devices_filtered(qsubmit, broker):
    broker.devices = [device("local/a"), device("braket/b", accessible=False), device("local/c", accepts=["ahs"])]

    documents = only_document(qsubmit("devices", "--json", "--accessible", "--accepts", "ahs").out)

    assert [each["name"] for each in documents["devices"]] == ["local/c"]


def test_one_device_alone(qsubmit, broker):
    broker.devices = [device("local/a"), device("local/ab")]

    assert [each["name"] for each in only_document(qsubmit("devices", "local/a", "--json").out)["devices"]] == [
        "local/a"
    ]


def test_devices_specs_are_one_document(qsubmit, broker):
    broker.devices = [device("braket/garnet")]

    said = only_document(qsubmit("devices", "braket/garnet", "--specs").out)

    assert (said["gate"]["edges"], said["sha256"]) == ([["1", "2"]], "cd" * 32)
    assert qsubmit("devices", "braket/other", "--specs").code == 7
    assert "--specs needs a DEVICE" in qsubmit("devices", "--specs").err


def test_quote_lists_offers_and_refusals_and_sends_nothing(qsubmit, broker, bell):
    said = qsubmit("quote", bell, "--prefer", "cheapest")

    assert said.code == 0
    assert "local/auto (balanced)" in said.out
    assert "braket/ionq-forte-1*" in said.out
    assert "does not accept openqasm2" in said.out
    assert broker.jobs == {}


def test_quote_without_an_offer_has_its_exit_code(qsubmit, broker, bell):
    broker.decision = {**broker.decision, "choice": None, "offers": [], "why": "all refused"}

    assert qsubmit("quote", bell).code == 5


def test_explain_tells_decision_and_timeline(qsubmit, broker):
    said = qsubmit("explain", broker.add_job(state="succeeded"))

    assert "lowest score 0.123" in said.out
    assert "fetching    1.0 s" in said.out


def test_explain_json(qsubmit, broker):
    document = only_document(qsubmit("explain", broker.add_job(), "--json").out)

    assert set(document) == {"job", "decision"}


def test_a_new_key_is_alone_on_standard_output(qsubmit, broker):
    said = qsubmit("keys", "create", "--name", "ci", "--scope", "jobs:read", "--expires", "+90d")

    assert said.out == "qs_new_secret\n"
    assert "qs_new_secret" not in said.err
    assert broker.posts("/v1/keys")[0]["body"]["scopes"] == ["jobs:read"]


def test_a8_a_key_is_made_with_a_limit_and_listed_with_what_is_left(qsubmit, broker):
    assert qsubmit("keys", "create", "--limit", "5000KRW").code == 0
    assert broker.posts("/v1/keys")[0]["body"]["limit"] == {"amount": "5000", "currency": "KRW"}
    assert "1,200 KRW of 5,000 KRW" in qsubmit("keys", "list").out
    assert qsubmit("keys", "create", "--limit", "lots").code == 2


def test_keys_are_listed_rotated_and_revoked(qsubmit):
    assert "key-1" in qsubmit("keys", "list").out
    assert only_document(qsubmit("keys", "list", "--json").out)["keys"][0]["id"] == "key-1"
    assert qsubmit("keys", "rotate", "key-1").out == "qs_new_secret\n"
    assert qsubmit("keys", "revoke", "key-1").code == 0


def test_an_operator_sees_what_waits_for_a_decision(qsubmit, broker):
    assert "no job waits" in qsubmit("admin", "attention").err
    job = broker.add_job(state="attention", attempt=attempt_view())

    said = qsubmit("admin", "attention")

    assert job in said.out
    assert attempt_view()["token"] in said.out
    assert [each["id"] for each in only_document(qsubmit("admin", "attention", "--json").out)["jobs"]] == [job]


def test_an_operator_settles_a_job_in_attention(qsubmit, broker):
    adopted, released = broker.add_job(state="attention"), broker.add_job(state="attention")

    first = qsubmit("admin", "adopt", adopted, "--remote-id", "r", "--reason", "seen")
    second = qsubmit("admin", "release", released, "--reason", "not there")

    assert "submitted" in first.out
    assert "failed" in second.out
