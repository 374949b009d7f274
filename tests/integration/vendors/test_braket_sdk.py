"""Does the vendor's own client run unchanged against the sandbox? AwsDevice, batches, queue, cancel, AHS, Tracker."""

from __future__ import annotations

import os
from decimal import Decimal

import pytest

from backends.braket.sandbox.serve import BraketSandbox
from backends.sandboxing.serving import Served

pytestmark = [
    # The SDK's own calls into its dependencies, and the event loops that its tasks open and never close.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:unclosed event loop:ResourceWarning"),
]

SV1 = "arn:aws:braket:::device/quantum-simulator/amazon/sv1"
DM1 = "arn:aws:braket:::device/quantum-simulator/amazon/dm1"
FORTE = "arn:aws:braket:us-east-1::device/qpu/ionq/Forte-1"
GARNET = "arn:aws:braket:eu-north-1::device/qpu/iqm/Garnet"
AQUILA = "arn:aws:braket:us-east-1::device/qpu/quera/Aquila"


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    made = BraketSandbox(tmp_path_factory.mktemp("braket"))
    served = Served(made.app)
    made.url = served.url
    changed = pytest.MonkeyPatch()
    for name in [name for name in os.environ if name.startswith(("AWS_", "BRAKET_", "AMZN_"))]:
        changed.delenv(name)
    for service in ("BRAKET", "S3", "STS", "LOGS", "IAM", "ECR"):
        changed.setenv(f"AWS_ENDPOINT_URL_{service}", made.url)
    changed.setenv("AWS_ACCESS_KEY_ID", "AKIATEST")
    changed.setenv("AWS_SECRET_ACCESS_KEY", "test")
    changed.setenv("AWS_DEFAULT_REGION", "us-east-1")
    changed.setenv("AWS_REGION", "us-east-1")
    changed.setenv("AWS_EC2_METADATA_DISABLED", "true")
    changed.setenv("BRAKET_PRICE_OFFERS_URL", f"{made.url}/price-offers/index.csv")
    yield made
    changed.undo()
    served.close()
    made.close()


@pytest.fixture(autouse=True)
def calm(sandbox):
    sandbox.knobs.reset()
    sandbox.knobs.turn(noise=False)
    yield
    sandbox.knobs.reset()


def bell():
    from braket.circuits import Circuit

    return Circuit().h(0).cnot(0, 1)


def test_a_device_runs_a_circuit_and_parses_its_own_capabilities(sandbox):
    from braket.aws import AwsDevice

    device = AwsDevice(SV1)
    assert device.status == "ONLINE"
    assert device.is_available
    assert device.properties.paradigm.qubitCount == 26
    task = device.run(bell(), shots=200)
    result = task.result()
    assert task.state() == "COMPLETED"
    assert set(result.measurement_counts) <= {"00", "11"}
    assert sum(result.measurement_counts.values()) == 200


@pytest.mark.parametrize("arn", [SV1, DM1, FORTE, GARNET, AQUILA])
def test_every_kind_of_capabilities_is_understood(sandbox, arn):
    from braket.aws import AwsDevice

    device = AwsDevice(arn)
    assert device.properties is not None
    assert device.queue_depth().quantum_tasks


def test_the_device_list_covers_all_regions(sandbox):
    from braket.aws import AwsDevice

    names = {device.name for device in AwsDevice.get_devices()}
    assert {"SV1", "Aquila", "Garnet", "Emerald", "Forte 1", "Ibex Q1", "Cepheus 1 108Q"} <= names


def test_a_batch_gives_each_result_in_its_place(sandbox):
    from braket.aws import AwsDevice
    from braket.circuits import Circuit

    batch = AwsDevice(SV1).run_batch([Circuit().x(0), Circuit().i(0), bell()], shots=20)
    counts = [result.measurement_counts for result in batch.results()]
    assert dict(counts[0]) == {"1": 20}
    assert dict(counts[1]) == {"0": 20}
    assert sum(counts[2].values()) == 20


def test_a_waiting_task_knows_its_place_and_can_be_cancelled(sandbox):
    from braket.aws import AwsDevice

    sandbox.knobs.turn(queue_delay=60)
    device = AwsDevice(SV1)
    first, second = device.run(bell(), shots=10), device.run(bell(), shots=10)
    assert first.queue_position().queue_position == "1"
    assert second.queue_position().queue_position == "2"
    second.cancel()
    first.cancel()
    assert second.state() in ("CANCELLED", "CANCELLING")


def test_result_types_are_computed_from_shots_and_exactly(sandbox):
    from braket.aws import AwsDevice
    from braket.circuits import Circuit, Observable

    device = AwsDevice(SV1)
    circuit = Circuit().x(0).h(1).expectation(Observable.Z(), target=0).variance(Observable.X(), target=1)
    circuit.probability(target=[0])
    sampled = device.run(circuit, shots=500).result()
    assert sampled.values[0] == -1.0
    assert sampled.values[1] == pytest.approx(0.0)
    assert list(sampled.values[2]) == [0.0, 1.0]
    exact = device.run(Circuit().h(0).cnot(0, 1).state_vector().expectation(Observable.Z(), target=0), shots=0).result()
    assert abs(exact.values[0][0]) == pytest.approx(0.5**0.5)
    assert exact.values[1] == pytest.approx(0.0)


def test_a_program_set_is_one_task(sandbox):
    from braket.aws import AwsDevice
    from braket.circuits import Circuit, FreeParameter
    from braket.program_sets import CircuitBinding, ProgramSet

    theta = FreeParameter("theta")
    binding = CircuitBinding(Circuit().rx(0, theta), input_sets={"theta": [0.0, 3.141592653589793]})
    task = AwsDevice(GARNET).run(ProgramSet([binding]), shots=40)
    entries = task.result()[0]
    assert [dict(entry.counts) for entry in entries] == [{"0": 20}, {"1": 20}]
    assert len(sandbox.ledger.entries("create")) >= 1


def test_atoms_run_on_aquila(sandbox):
    from braket.ahs import AnalogHamiltonianSimulation, AtomArrangement, DrivingField
    from braket.aws import AwsDevice
    from braket.timings import TimeSeries

    register = AtomArrangement().add((0, 0)).add((0, 5.5e-6)).add((0, 1.1e-5))
    omega = TimeSeries().put(0, 0).put(1e-7, 4e6).put(1e-6, 4e6).put(1.1e-6, 0)
    flat = TimeSeries().put(0, 0).put(1.1e-6, 0)
    program = AnalogHamiltonianSimulation(
        register=register, hamiltonian=DrivingField(amplitude=omega, phase=flat, detuning=flat)
    )
    result = AwsDevice(AQUILA).run(program, shots=50).result()
    counts = result.get_counts()
    assert sum(counts.values()) == 50
    assert all("rr" not in state for state in counts), "neighbours inside the blockade"


def test_the_cost_tracker_reads_our_price_list(sandbox):
    from braket.aws import AwsDevice
    from braket.tracking import Tracker

    with Tracker() as tracker:
        AwsDevice(FORTE).run(bell(), shots=1000).result()
        AwsDevice(SV1).run(bell(), shots=10).result()
    assert tracker.qpu_tasks_cost() == Decimal("80.30")
    assert tracker.simulator_tasks_cost() > 0


def test_a_failed_task_says_why(sandbox):
    from braket.aws import AwsDevice

    sandbox.knobs.turn(fail_next=1)
    task = AwsDevice(SV1).run(bell(), shots=10)
    assert task.result() is None
    assert "sandbox knob" in task.metadata()["failureReason"]


def test_an_unknown_device_is_not_found(sandbox):
    from braket.aws import AwsDevice

    with pytest.raises(ValueError, match="not found"):
        AwsDevice("arn:aws:braket:us-east-1::device/qpu/ionq/Nowhere")


def test_the_default_bucket_and_large_objects_work(sandbox, tmp_path):
    from braket.aws import AwsSession

    session = AwsSession()
    bucket = session.default_bucket()
    assert bucket.startswith("amazon-braket-us-east-1-")
    big = tmp_path / "big.bin"
    big.write_bytes(os.urandom(9 << 20))
    session.upload_to_s3(str(big), f"s3://{bucket}/things/big.bin")
    session.download_from_s3(f"s3://{bucket}/things/big.bin", str(tmp_path / "again.bin"))
    assert (tmp_path / "again.bin").read_bytes() == big.read_bytes()
    assert session.list_keys(bucket, "things/") == ["things/big.bin"]


def test_hybrid_jobs_are_refused_clearly(sandbox):
    import boto3
    from botocore.exceptions import ClientError

    client = boto3.client("braket")
    with pytest.raises(ClientError, match="does not run hybrid jobs"):
        client.create_job(
            jobName="job",
            roleArn="arn:aws:iam::111122223333:role/job",
            algorithmSpecification={"scriptModeConfig": {"entryPoint": "a", "s3Uri": "s3://amazon-braket-x/a"}},
            outputDataConfig={"s3Path": "s3://amazon-braket-x/out"},
            instanceConfig={"instanceType": "ml.m5.large", "volumeSizeInGb": 1},
            deviceConfig={"device": SV1},
        )
    assert client.search_jobs(filters=[])["jobs"] == []
