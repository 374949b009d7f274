"""Do the sandbox's answers fit botocore's own model of the service? Every operation, read raw from the wire."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime, timedelta

import boto3
import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from backends.braket.adapter import BraketBackend
from backends.braket.sandbox.cards import AQUILA, SV1, TN1
from backends.braket.sandbox.serve import BraketSandbox
from backends.braket.settings import settings_from
from backends.braket.spending import Spending
from backends.braket.transport import Transport
from backends.errors import Refused
from backends.sandboxing.serving import Served
from broker.domain.money import Money
from tests.contract.braket_case import CASE
from tests.contract.promises import order_of, until

FORTE = "arn:aws:braket:us-east-1::device/qpu/ionq/Forte-1"
SOURCE = "OPENQASM 3.0;\nqubit[2] q;\nbit[2] b;\nh q[0];\ncnot q[0], q[1];\nb = measure q;\n"
ACTION = json.dumps({"braketSchemaHeader": {"name": "braket.ir.openqasm.program", "version": "1"}, "source": SOURCE})


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    sandbox = BraketSandbox(tmp_path_factory.mktemp("braket"))
    server = Served(sandbox.app)
    sandbox.url = server.url
    yield sandbox
    server.close()
    sandbox.close()


@pytest.fixture
def sandbox(served):
    served.knobs.reset()
    return served


@pytest.fixture
def seen():
    """Raw answers by operation."""
    return {}


@pytest.fixture
def client(sandbox, seen):
    made = boto3.client(
        "braket",
        region_name="us-east-1",
        endpoint_url=sandbox.url,
        aws_access_key_id="AKIATEST",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}),
    )

    def keep(http_response, model, **_):
        if http_response.status_code < 300:
            seen.setdefault(model.name, []).append(json.loads(http_response.text))

    made.meta.events.register("after-call.braket.*", keep)
    yield made
    made.close()


def faults(shape, value, path="$"):
    """Everything in a raw JSON value that the model does not allow."""
    kind = shape.type_name
    if kind == "structure":
        wrong = [f"{path}: unknown {name}" for name in set(value) - set(shape.members)]
        wrong += [f"{path}: lacks {name}" for name in set(shape.required_members) - set(value)]
        inside = [(shape.members[name], value[name], f"{path}.{name}") for name in set(value) & set(shape.members)]
        return wrong + [each for one in inside for each in faults(*one)]
    if kind == "list":
        return [each for place, one in enumerate(value) for each in faults(shape.member, one, f"{path}[{place}]")]
    if kind == "map":
        return [each for name, one in value.items() for each in faults(shape.value, one, f"{path}.{name}")]
    return [] if plain(shape, value) else [f"{path}: {value!r} is no {shape.name}"]


def plain(shape, value) -> bool:
    kind = shape.type_name
    if kind == "timestamp":
        if shape.serialization.get("timestampFormat") == "iso8601":
            return bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", str(value)))
        return isinstance(value, (int, float))
    if kind in ("integer", "long"):
        return isinstance(value, int)
    if kind != "string" or not isinstance(value, str):
        return False
    limits = shape.metadata
    fits = int(limits.get("min", 0)) <= len(value) <= int(limits.get("max", 1 << 62))
    pattern = limits.get("pattern")
    return fits and (not shape.enum or value in shape.enum) and (not pattern or bool(re.search(pattern, value)))


def create(client, token="token-1", **changes):
    wish = {
        "clientToken": token,
        "deviceArn": SV1,
        "shots": 10,
        "action": ACTION,
        "outputS3Bucket": "amazon-braket-test",
        "outputS3KeyPrefix": "tasks",
        "tags": {"who": "me"},
    }
    return client.create_quantum_task(**{**wish, **changes})["quantumTaskArn"]


def test_every_answer_fits_the_model(sandbox, client, seen):
    sandbox.knobs.turn(queue_delay=30)
    waiting = create(client, "model-1")
    client.get_quantum_task(quantumTaskArn=waiting, additionalAttributeNames=["QueueInfo"])
    client.cancel_quantum_task(quantumTaskArn=waiting)
    sandbox.knobs.turn(queue_delay=0, fail_next=1)
    for token in ("model-2", "model-3"):
        arn = create(client, token)
        until(lambda arn=arn: client.get_quantum_task(quantumTaskArn=arn)["status"] in ("COMPLETED", "FAILED"))
    client.search_quantum_tasks(filters=[])
    client.search_devices(filters=[])
    for arn in (SV1, FORTE, AQUILA):
        client.get_device(deviceArn=arn)
    client.tag_resource(resourceArn=waiting, tags={"a": "b"})
    assert client.list_tags_for_resource(resourceArn=waiting)["tags"] == {"a": "b", "who": "me"}
    client.untag_resource(resourceArn=waiting, tagKeys=["a", "who"])
    period = {"startAt": datetime.now(UTC), "endAt": datetime.now(UTC) + timedelta(days=1)}
    limit = client.create_spending_limit(deviceArn=FORTE, spendingLimit="10.50", timePeriod=period)["spendingLimitArn"]
    client.update_spending_limit(spendingLimitArn=limit, spendingLimit="11")
    client.search_spending_limits(filters=[])
    client.delete_spending_limit(spendingLimitArn=limit)
    client.search_jobs(filters=[])
    model = botocore.session.get_session().get_service_model("braket")
    served = {"CreateJob", "GetJob", "CancelJob"} ^ set(model.operation_names)
    assert set(seen) == served
    wrong = {
        name: faults(model.operation_model(name).output_shape, answer)
        for name, answers in seen.items()
        for answer in answers
        if model.operation_model(name).output_shape is not None
    }
    assert {name: each for name, each in wrong.items() if each} == {}


def test_a_token_used_again_gives_the_same_task_and_other_parameters_are_refused(sandbox, client):
    first = create(client, "again")
    assert create(client, "again") == first
    with pytest.raises(ClientError, match="ValidationException"):
        create(client, "again", shots=11)
    assert len(sandbox.ledger.entries("create", "again")) == 1


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"shots": -1}, "valid min value"),
        ({"shots": 10_000_000}, "ValidationException"),
        ({"outputS3Bucket": "elsewhere"}, "ValidationException"),
        ({"action": "{}"}, "ValidationException"),
        ({"tags": {f"t{place}": "x" for place in range(51)}}, "ValidationException"),
        ({"tags": {"long": "x" * 257}}, "ValidationException"),
        ({"deviceArn": TN1, "shots": 1}, "DeviceRetiredException"),
        ({"deviceArn": "arn:aws:braket:us-west-1::device/qpu/rigetti/Cepheus-1-108Q"}, "ResourceNotFoundException"),
        ({"deviceArn": AQUILA}, "ValidationException"),
    ],
)
def test_what_the_service_would_refuse_is_refused(sandbox, client, changes, error):
    with pytest.raises(Exception, match=error):
        create(client, f"bad-{time.monotonic_ns()}", **changes)


def test_tasks_are_found_by_time_status_and_arn_page_by_page(sandbox, client):
    sandbox.knobs.turn(queue_delay=60)
    arns = [create(client, f"page-{place}") for place in range(5)]
    filters = [{"name": "quantumTaskArn", "operator": "EQUAL", "values": arns[:2]}]
    assert {each["quantumTaskArn"] for each in client.search_quantum_tasks(filters=filters)["quantumTasks"]} == set(
        arns[:2]
    )
    queued = [{"name": "status", "operator": "EQUAL", "values": ["QUEUED"]}]
    pages = list(
        client.get_paginator("search_quantum_tasks").paginate(filters=queued, PaginationConfig={"PageSize": 2})
    )
    assert [each["quantumTaskArn"] for page in pages for each in page["quantumTasks"]] == arns[::-1]
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    later = [{"name": "createdAt", "operator": "GT", "values": [tomorrow]}]
    assert client.search_quantum_tasks(filters=later)["quantumTasks"] == []
    for arn in arns:
        client.cancel_quantum_task(quantumTaskArn=arn)
    with pytest.raises(ClientError, match="ConflictException"):
        client.cancel_quantum_task(quantumTaskArn=arns[0])


def test_nobody_without_a_signature_is_anybody(sandbox):
    import urllib.request
    from urllib.error import HTTPError

    with pytest.raises(HTTPError) as caught:
        urllib.request.urlopen(f"{sandbox.url}/device/{SV1}")
    assert caught.value.code == 403
    caught.value.close()


def test_the_outer_belt_is_kept_in_step_and_holds(sandbox):
    settings = settings_from({"QSUBMIT_BRAKET_SANDBOX_URL": sandbox.url})
    transport = Transport(settings, timeout_s=20)
    spending = Spending(transport)
    adapter = BraketBackend(settings)
    device = next(each for each in adapter.devices() if each.vendor_id == FORTE)
    start = datetime.now(UTC).replace(microsecond=0)
    end = start + timedelta(days=30)
    try:
        first = spending.keep(device, Money.parse("8.299999", "USD"), start=start, end=end)
        assert (first.amount, first.spent) == ("8.30", "0.00")
        assert spending.keep(device, Money.parse("8.30", "USD"), start=start, end=end).arn == first.arn
        sandbox.knobs.turn(queue_delay=60)
        kept = adapter.submit(order_of(CASE, device, shots=100))
        with pytest.raises(Refused) as caught:
            adapter.submit(order_of(CASE, device, shots=100))
        assert caught.value.code == "no_credit"
        wider = spending.keep(device, Money.parse("20", "USD"), start=start, end=end)
        assert (wider.arn, wider.amount, wider.queued) == (first.arn, "20.00", "8.30")
        adapter.cancel(adapter.submit(order_of(CASE, device, shots=100)))
        adapter.cancel(kept)
        spending.drop(device)
        spending.drop(device)
    finally:
        adapter.close()
        transport.close()
