"""Does Quandela's own client library, unmodified, run against our sandbox?"""

from __future__ import annotations

import time

import pytest

from backends.quandela.sandbox.serve import ServedSandbox

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    served = ServedSandbox(tmp_path_factory.mktemp("quandela"))
    yield served
    served.close()


@pytest.fixture(autouse=True)
def knobs(sandbox):
    yield sandbox.sandbox.knobs
    sandbox.sandbox.knobs.reset()


def ended(job, patience_s=60):
    """The job, once its status says that it has ended."""
    until = time.monotonic() + patience_s
    while not job.is_complete and time.monotonic() < until:
        time.sleep(0.05)
        job._previous_status_refresh = 0  # its floor of a second between two looks is for real networks
    return job


def processor(pcvl, sandbox, *, platform="sim:slos", phase=None):
    remote = pcvl.RemoteProcessor(platform, token="any", url=sandbox.url, m=2)
    middle = pcvl.P("phi") if phase is None else phase
    remote.add(0, pcvl.Circuit(2) // pcvl.BS() // (0, pcvl.PS(middle)) // pcvl.BS())
    remote.with_input(pcvl.BasicState([1, 1]))
    remote.min_detected_photons_filter(2)
    return remote


def beam_splitter(pcvl):
    experiment = pcvl.Experiment(pcvl.Circuit(2) // pcvl.BS())
    experiment.with_input(pcvl.BasicState([1, 1]))
    experiment.min_detected_photons_filter(2)
    return experiment


def test_a_remote_processor_samples(pcvl, sandbox):
    from perceval.algorithm import Sampler

    sampler = Sampler(processor(pcvl, sandbox, phase=0.3), max_shots_per_call=1000)
    results = ended(sampler.sample_count.execute_async(500)).get_results()
    assert sum(results["results"].values()) == 500


def test_a_remote_processor_gives_probabilities(pcvl, sandbox):
    from perceval.algorithm import Sampler

    remote = pcvl.RemoteProcessor("sim:slos", token="any", url=sandbox.url, m=2)
    remote.add(0, pcvl.BS())
    remote.with_input(pcvl.BasicState([1, 1]))
    remote.min_detected_photons_filter(2)
    results = ended(Sampler(remote, max_shots_per_call=1000).probs.execute_async()).get_results()
    chances = {str(state): chance for state, chance in results["results"].items()}
    assert chances == {"|2,0>": pytest.approx(0.5), "|0,2>": pytest.approx(0.5)}


def test_iterations_travel_in_one_job(pcvl, sandbox):
    from perceval.algorithm import Sampler

    before = len(sandbox.sandbox.ledger.entries("create"))
    sampler = Sampler(processor(pcvl, sandbox), max_shots_per_call=1000)
    for phi in (0.0, 1.0, 2.0):
        sampler.add_iteration(circuit_params={"phi": phi})
    results = ended(sampler.sample_count.execute_async(200)).get_results()
    assert [entry["iteration"]["circuit_params"] for entry in results["results_list"]] == [
        {"phi": phi} for phi in (0.0, 1.0, 2.0)
    ]
    assert len(sandbox.sandbox.ledger.entries("create")) == before + 1


def test_a_machine_without_probabilities_serves_them_through_its_samples(pcvl, sandbox):
    from perceval.algorithm import Sampler

    remote = pcvl.RemoteProcessor("qpu:ascella", token="any", url=sandbox.url, m=2)
    remote.add(0, pcvl.Circuit(2) // pcvl.PERM([1, 0]))
    remote.with_input(pcvl.BasicState([1, 1]))
    remote.min_detected_photons_filter(2)
    sampler = Sampler(remote, max_shots_per_call=100_000)
    results = ended(sampler.probs.execute_async()).get_results()
    assert set(map(str, results["results"])) == {"|1,1>"}


def test_the_new_remote_computer_counts(pcvl, sandbox):
    from perceval.providers.quandela import QuandelaCommunicationLayer
    from perceval.runtime import ExecutionFactory, RemoteComputer

    layer = QuandelaCommunicationLayer("sim:slos", token="any", url=sandbox.url)
    computer = RemoteComputer(layer)
    factory = ExecutionFactory(computer, beam_splitter(pcvl), max_shots_per_call=1000)
    job = ended(factory.sample_count.execute_async(400))
    assert sum(job.get_results()["results"].values()) == 400
    last = sandbox.sandbox.ledger.entries("create")[-1]
    assert "computation" in sandbox.sandbox._tasks.get(last.task).request


def test_a_job_is_cancelled_and_run_again(pcvl, sandbox, knobs):
    from perceval.algorithm import Sampler

    knobs.turn(queue_delay=60)
    sampler = Sampler(processor(pcvl, sandbox, phase=0.3), max_shots_per_call=1000)
    job = sampler.sample_count.execute_async(100)
    job.cancel()
    ended(job)
    assert job.status.canceled
    knobs.turn(queue_delay=0)
    again = ended(job.rerun())
    assert again.id != job.id
    assert sum(again.get_results()["results"].values()) == 100


def test_a_job_is_resumed_by_its_id(pcvl, sandbox):
    from perceval.algorithm import Sampler

    sampler = Sampler(processor(pcvl, sandbox, phase=0.3), max_shots_per_call=1000)
    job_id = sampler.sample_count.execute_async(100).id
    resumed = ended(processor(pcvl, sandbox, phase=0.3).resume_job(job_id))
    assert sum(resumed.get_results()["results"].values()) == 100


def test_no_token_is_told_so(pcvl, sandbox, knobs):
    from requests import HTTPError

    knobs.turn(faults=[{"trouble": "unauthorized", "on": "devices", "times": -1}])
    with pytest.raises(HTTPError, match="401"):
        pcvl.RemoteProcessor("sim:slos", token="any", url=sandbox.url)


def test_no_credit_is_told_with_the_vendor_s_words(pcvl, sandbox, knobs):
    from perceval.algorithm import Sampler
    from requests import HTTPError

    knobs.turn(insufficient_credit=True)
    sampler = Sampler(processor(pcvl, sandbox, phase=0.3), max_shots_per_call=1000)
    with pytest.raises(HTTPError, match=r"401.*Not enough credits"):
        sampler.sample_count.execute_async(100)


def test_the_sandbox_s_text_for_commands_is_perceval_s_own(pcvl):
    from perceval.runtime import CommandFactory
    from perceval.serialization import OutputArchive, Serialization

    from backends.quandela.sandbox.platforms import NEW_FORM

    archive = OutputArchive()
    commands = [CommandFactory.probs, CommandFactory.sample_count, CommandFactory.samples]
    Serialization.serialize(commands, archive)
    assert archive.to_text() == NEW_FORM
