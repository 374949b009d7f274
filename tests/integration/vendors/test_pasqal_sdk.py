"""Does the vendor's own client run unchanged against the sandbox? Connection, emulators, QPU, open batch, cancel."""

from __future__ import annotations

import time

import pytest

from backends.pasqal.sandbox.serve import Sandbox
from backends.sandboxing.serving import Served
from tests.support.pasqal_programs import HALF_TURN_NS, chain

pytestmark = [
    # Pulser and pasqal-cloud warn of their own renamed fields.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:A device with a `default_noise_model`"),
]


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    made = Sandbox(tmp_path_factory.mktemp("pasqal"))
    served = Served(made.app)
    made.url = served.url
    yield made
    served.close()
    made.close()


@pytest.fixture
def connection(sandbox):
    return connect(sandbox.url)


def connect(url, *, password="secret", **options):
    from pasqal_cloud import PasqalCloudConnection
    from pasqal_cloud.endpoints import Endpoints, TokenProviderConf

    return PasqalCloudConnection(
        username="somebody",
        password=password,
        project_id="00000000-0000-4000-8000-000000000001",
        endpoints=Endpoints(core=f"{url}/core-fast", account=f"{url}/account"),
        auth_config=TokenProviderConf(
            token_endpoint=f"{url}/oauth/token",
            public_client_id="sandbox",
            audience="sandbox",
            realm="pcs-users",
            grant_type="http://auth0.com/oauth/grant-type/password-realm",
        ),
        **options,
    )


def until_over(results, seconds=30.0):
    from pulser.backend.remote import BatchStatus

    ends = time.monotonic() + seconds
    while results.get_batch_status() in (BatchStatus.PENDING, BatchStatus.RUNNING):
        assert time.monotonic() < ends
        time.sleep(0.02)
    return results


def create(client, jobs, *, atoms=1, **options):
    from pasqal_cloud.device import DeviceTypeName

    text = chain(atoms).to_abstract_repr()
    return client.create_batch(text, jobs, device_type=DeviceTypeName.EMU_FREE, **options)


def until_word(client, batch, *words):
    ends = time.monotonic() + 30
    while client.get_batch_status(batch.id).value not in words:
        assert time.monotonic() < ends
        time.sleep(0.02)


def machine(connection, name="FRESNEL"):
    return connection.fetch_available_devices()[name]


def on_machine(connection):
    device = machine(connection)
    sequence = chain(3, device, spacing=8.0)
    return sequence.with_new_register(sequence.get_register().with_automatic_layout(device))


@pytest.mark.parametrize("backend", ["RemoteEmuFreeBackend", "RemoteMPSBackend", "RemoteSVBackend"])
def test_each_emulator_class_runs_a_sequence_with_variables(connection, backend):
    import pasqal_cloud

    emulator = getattr(pasqal_cloud, backend)(chain(2), connection)
    jobs = [{"runs": 50, "variables": {"t": 16}}, {"runs": 70, "variables": {"t": HALF_TURN_NS}}]
    short, long = until_over(emulator.run(job_params=jobs)).results
    assert sum(short.final_bitstrings.values()) == 50
    assert short.final_bitstrings["00"] > 40
    assert long.final_bitstrings["11"] > 60


def test_an_emulator_runs_without_job_parameters_by_its_own_configuration(connection):
    from pasqal_cloud import RemoteEmuFreeBackend
    from pulser.backend import BitStrings, EmulationConfig

    sequence = chain(2).build(t=HALF_TURN_NS)
    config = EmulationConfig(observables=[BitStrings(num_shots=30)], default_num_shots=30)
    results = until_over(RemoteEmuFreeBackend(sequence, connection, config=config).run())
    assert sum(results.results[0].final_bitstrings.values()) == 30


def test_waiting_for_a_result_works(connection):
    from pasqal_cloud import RemoteEmuFreeBackend

    results = RemoteEmuFreeBackend(chain(2).build(t=100), connection).run(job_params=[{"runs": 10}], wait=True)
    assert sum(results.results[0].final_bitstrings.values()) == 10


def test_the_machine_takes_a_sequence_on_its_own_specification(connection):
    from pulser import QPUBackend

    results = until_over(
        QPUBackend(on_machine(connection), connection).run(job_params=[{"runs": 40, "variables": {"t": 200}}])
    )
    assert sum(results.results[0].final_bitstrings.values()) == 40


def test_the_machine_refuses_too_many_runs_in_the_client(connection):
    from pulser import QPUBackend

    with pytest.raises(ValueError, match="maximum allowed"):
        QPUBackend(on_machine(connection), connection).run(job_params=[{"runs": 9999, "variables": {"t": 200}}])


def test_an_open_batch_takes_jobs_until_it_is_closed(connection, sandbox):
    from pasqal_cloud import RemoteEmuFreeBackend

    emulator = RemoteEmuFreeBackend(chain(2), connection)
    with emulator.open_batch():
        first = emulator.run(job_params=[{"runs": 11, "variables": {"t": 100}}])
        second = emulator.run(job_params=[{"runs": 12, "variables": {"t": 104}}])
        assert first.batch_id == second.batch_id
    until_over(second)
    assert [sum(one.final_bitstrings.values()) for one in (*first.results, *second.results)] == [11, 12]
    charges = [entry for entry in sandbox.ledger.entries("charge") if entry.task == first.batch_id]
    assert [entry.shots for entry in charges] == [23]


def test_a_batch_is_cancelled_once(connection, sandbox):
    from pasqal_cloud.errors import BatchCancellingError

    client = connection.cloud_client
    sandbox.knobs.turn(queue_delay=60)
    batch = create(client, [{"runs": 5, "variables": {"t": 100}}], atoms=2)
    sandbox.knobs.reset()
    assert client.cancel_batch(batch.id).status == "CANCELED"
    with pytest.raises(BatchCancellingError, match="400"):
        client.cancel_batch(batch.id)


def test_jobs_are_cancelled_alone_and_in_groups(connection, sandbox):
    from pasqal_cloud.utils.filters import CancelJobFilters

    client = connection.cloud_client
    sandbox.knobs.turn(queue_delay=60)
    jobs = [{"runs": runs, "variables": {"t": 100}} for runs in (5, 6, 7)]
    batch = create(client, jobs, atoms=2)
    alone = client.cancel_job(batch.ordered_jobs[0].id)
    grouped = client.cancel_jobs(batch.id, CancelJobFilters(min_runs=7))
    sandbox.knobs.reset()
    assert alone.status == "CANCELED"
    assert [job.runs for job in grouped.jobs] == [7]
    assert [client.get_job(job.id).status for job in batch.ordered_jobs][::2] == ["CANCELED", "CANCELED"]


def test_jobs_may_have_sequences_of_their_own(connection):
    from pasqal_cloud.device import DeviceTypeName

    client = connection.cloud_client
    jobs = [
        {"runs": 20, "serialized_sequence": chain(atoms).build(t=HALF_TURN_NS).to_abstract_repr()} for atoms in (1, 2)
    ]
    batch = client.create_batch(None, jobs, device_type=DeviceTypeName.EMU_SV)
    until_word(client, batch, "DONE")
    batch.refresh()
    assert [set(map(len, job.result)) for job in batch.ordered_jobs] == [{1}, {2}]


def test_batches_are_listed_by_tag_in_pages_and_tagged_anew(connection):
    from pasqal_cloud.utils.filters import BatchFilters, PaginationParams

    client = connection.cloud_client
    made = [create(client, [{"runs": 1, "variables": {"t": 100}}], tags=["mine", str(n)]) for n in range(3)]
    page = client.get_batches(BatchFilters(tag="mine"), PaginationParams(limit=2))
    rest = client.get_batches(BatchFilters(tag="mine"), PaginationParams(offset=2, limit=2))
    assert (page.total, len(page.results), len(rest.results)) == (3, 2, 1)
    assert [batch.id for batch in (*page.results, *rest.results)] == [batch.id for batch in made[::-1]]
    client.set_batch_tags(made[0].id, ["other"])
    assert client.get_batches(BatchFilters(tag="mine")).total == 2


def test_jobs_of_a_large_batch_come_in_pages_in_their_order(connection):
    client = connection.cloud_client
    batch = create(client, [{"runs": runs, "variables": {"t": 16}} for runs in range(1, 121)])
    again = client.get_batch(batch.id)
    assert [job.runs for job in again.ordered_jobs] == list(range(1, 121))
    client.cancel_batch(batch.id)


def test_failed_jobs_can_be_batched_again(connection, sandbox):
    from pasqal_cloud.utils.constants import JobStatus
    from pasqal_cloud.utils.filters import RebatchFilters

    client = connection.cloud_client
    sandbox.knobs.turn(fail_rate=1.0)
    batch = create(client, [{"runs": 3, "variables": {"t": 16}}])
    until_word(client, batch, "ERROR")
    sandbox.knobs.reset()
    again = client.rebatch(batch.id, RebatchFilters(status=JobStatus.ERROR))
    assert again.parent_id == batch.id
    assert [job.runs for job in again.ordered_jobs] == [3]


def test_projects_and_devices_are_told(connection, sandbox):
    client = connection.cloud_client
    assert [project.name for project in client.get_all_projects()] == ["Sandbox"]
    assert set(client.get_device_specs_dict()) == {"FRESNEL", "FRESNEL_CAN1"}
    assert client.switch_to_project("00000000-0000-4000-8000-000000000001")


def test_the_public_specifications_need_no_login(sandbox):
    from pasqal_cloud.endpoints import Endpoints
    from pasqal_cloud.pasqal_cloud_client import PasqalCloudClient

    client = PasqalCloudClient(endpoints=Endpoints(core=f"{sandbox.url}/core-fast", account=f"{sandbox.url}/account"))
    assert "FRESNEL" in client.get_device_specs_dict()


def test_an_empty_password_is_refused_at_the_login(sandbox):
    from pasqal_cloud.authentication import TokenProviderError

    with pytest.raises(TokenProviderError, match="403"):
        connect(sandbox.url, password=" ")


def test_what_does_not_exist_is_not_found(connection):
    from pasqal_cloud.errors import BatchFetchingError, JobFetchingError

    missing = "7f2f47cc-6bb2-4b0f-9b41-6a2b6c1f9f11"
    with pytest.raises(BatchFetchingError, match="404"):
        connection.cloud_client.get_batch(missing)
    with pytest.raises(JobFetchingError, match="404"):
        connection.cloud_client.get_job(missing)


def test_a_reseller_connection_runs_too(sandbox, monkeypatch):
    from pasqal_cloud import OVHConnection, RemoteEmuFreeBackend
    from pasqal_cloud.endpoints import Endpoints

    monkeypatch.setenv("PASQAL_PULSER_ACCESS_TOKEN", "a-token-of-the-reseller")
    endpoints = Endpoints(core=f"{sandbox.url}/core-fast", account=f"{sandbox.url}/account")
    connection = OVHConnection(endpoints=endpoints)
    results = until_over(RemoteEmuFreeBackend(chain(2).build(t=100), connection).run(job_params=[{"runs": 10}]))
    assert sum(results.results[0].final_bitstrings.values()) == 10
