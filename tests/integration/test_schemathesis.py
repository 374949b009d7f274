"""Does the gateway keep its own OpenAPI description, whatever is sent?"""

from __future__ import annotations

import itertools

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.config import SchemathesisConfig
from schemathesis.generation.hypothesis.builder import HypothesisTestConfig, HypothesisTestMode, create_test
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.support.databases import opened
from tests.support.gateway import BELL, furnish, world

CONFIG = {
    "generation": {"mode": "all", "max-examples": 30, "database": "none"},
    "phases": {"coverage": {"enabled": True}},
}
CHECKS = [
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def serving(postgres, tmp_path_factory):
    """A gateway with a job of every kind, on the database that is the stricter one about text."""
    patch = pytest.MonkeyPatch()
    patch.setattr("broker.api.stream.LONGEST_S", 0.0)  # nobody waits for events here
    settings_ = {"rate_per_s": 1e9, "rate_burst": 10**9, "data": tmp_path_factory.mktemp("data")}
    with postgres.migrated() as url, opened(url) as store:
        furnish(store)
        with world(store, **settings_) as made:
            made.job("root", points=None, name="one")
            made.drive(ticks=2)
            made.job("root", device="braket/garnet")
            yield made
    patch.undo()


def without_lifespan(app):
    """The application is already running; every client of schemathesis would start it again."""

    async def call(scope, receive, send):
        if scope["type"] != "lifespan":
            await app(scope, receive, send)
            return
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return

    return call


@pytest.fixture(scope="module")
def described(serving):
    return schemathesis.openapi.from_asgi(
        "/openapi.json", without_lifespan(serving.client.app), config=SchemathesisConfig.from_dict(CONFIG)
    )


def enliven(case, living):
    """Ids that exist and a program that is one, so that the doors behind the first check are opened, too."""
    for name in {"job_id", "key_id"} & set(case.path_parameters or {}):
        case.path_parameters[name] = next(living[name])
    if isinstance(case.body, dict) and isinstance(case.body.get("program"), dict):
        case.body["program"] = {"format": "openqasm2", "source": BELL}
        case.body.pop("points", None)
        if case.body.get("device") is not None:
            case.body["device"] = "local/aer"


# Not schemathesis.pytest: it builds its items from parts of pytest that 9.2 no longer has.
def examined(operation, key, living):
    """The operation's boundary cases, and random ones that fit its schema or do not."""
    turn = itertools.cycle([False, True, True])

    def test(case) -> None:
        if next(turn):
            enliven(case, living)
        case.headers["Authorization"] = f"Bearer {key}"
        case.call_and_validate(checks=CHECKS)

    config = HypothesisTestConfig(
        project=operation.schema.config, modes=[HypothesisTestMode.COVERAGE, HypothesisTestMode.FUZZING],
        settings=settings(
            max_examples=30, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck),
            phases=[Phase.explicit, Phase.generate],
        ),
    )  # fmt: skip
    return create_test(operation=operation, test_func=test, config=config)


def test_no_request_finds_a_server_error_or_an_answer_that_is_not_described(described, serving):
    wrong, seen = [], set()
    jobs = [job["id"] for job in serving.call("root", "GET", "/v1/jobs").json()["jobs"]]
    spare = [serving.call("root", "POST", "/v1/keys", json={}).json()["id"] for _ in range(20)]
    living = {"job_id": itertools.cycle(jobs), "key_id": itertools.cycle(spare)}
    for found in described.get_all_operations():
        operation = found.ok()
        seen.add(operation.label)
        try:
            examined(operation, serving.secrets["root"], living)()
        except Exception as error:  # noqa: BLE001  every operation is examined before any is reported
            wrong.append(f"{operation.label}: {error!r}")
    assert not wrong, "\n\n".join(wrong)[:6000]
    assert len(seen) >= 20
