"""Does intake read the JSON programs that Pulser, Braket and Perceval themselves write?"""

from __future__ import annotations

import json
import warnings

import pytest

from broker.domain.errors import ProgramInvalid
from broker.domain.program import Format, Program
from broker.intake.inspect import guess, inspect
from tests.support.hostile import documents


def read(form, document):
    source = document if isinstance(document, str) else json.dumps(document)
    assert guess(source, None) is form
    return inspect(Program.of(form, source))


def refused(form, document):
    with pytest.raises(ProgramInvalid) as caught:
        read(form, document)
    return caught.value


@pytest.fixture(scope="module")
def pulser():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("pulser")


@pytest.fixture(scope="module")
def pcvl():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("perceval")


def sequence(pulser, device="AnalogDevice", channels=(("g", "rydberg_global"),)):
    register = pulser.Register({"a": (0, 0), "b": (6, 0), "c": (0, 6)})
    built = pulser.Sequence(register, getattr(pulser.devices, device))
    for name, channel in channels:
        target = {"initial_target": "a"} if channel.endswith("_local") else {}
        built.declare_channel(name, channel, **target)
    return built


def test_a_pulser_sequence_gives_its_atoms_and_its_exact_duration(pulser):
    built = sequence(pulser)
    built.add(pulser.Pulse.ConstantPulse(400, 1, -1.0, 0), "g")
    built.delay(100, "g")
    built.add(pulser.Pulse.ConstantDetuning(pulser.BlackmanWaveform(1000, 2.0), 0, 0), "g")
    built.measure("ground-rydberg")
    found = read(Format.PULSER, built.to_abstract_repr())
    assert (found.width, found.duration_us) == (3, built.get_duration() / 1000)
    assert found.global_drive
    assert not found.implicit_measurement


def test_a_pulser_sequence_with_variables_gives_each_value_to_bind(pulser):
    built = sequence(pulser, "DigitalAnalogDevice", (("g", "rydberg_global"), ("l", "rydberg_local")))
    omega, pair = built.declare_variable("omega"), built.declare_variable("pair", size=2)
    built.add(pulser.Pulse.ConstantPulse(100, omega * 2, pair[0] - pair[1], 0), "g")
    built.target("b", "l")
    found = read(Format.PULSER, built.to_abstract_repr())
    assert found.parameters == ("omega", "pair[0]", "pair[1]")
    assert not found.global_drive
    assert found.implicit_measurement


def test_a_detuning_map_that_runs_beside_the_pulses_does_not_add_time(pulser):
    built = sequence(pulser, "MockDevice")
    built.config_detuning_map(built.register.define_detuning_map({"a": 1.0, "b": 0.5}), "dmm_0")
    built.add_dmm_detuning(pulser.ConstantWaveform(300, -1.0), "dmm_0")
    built.add(pulser.Pulse.ConstantPulse(300, 1, 0, 0), "g", protocol="no-delay")
    found = read(Format.PULSER, built.to_abstract_repr())
    assert found.duration_us == built.get_duration() / 1000
    assert not found.global_drive


def test_an_ahs_program_gives_its_filled_sites_and_its_duration():
    ahs = pytest.importorskip("braket.ahs")
    timings = pytest.importorskip("braket.timings")

    def series(*points):
        line = timings.TimeSeries()
        for time, value in points:
            line.put(time, value)
        return line

    sites = ahs.AtomArrangement()
    for number in range(5):
        sites.add([number * 5.5e-6, 0], site_type=ahs.SiteType.FILLED if number else ahs.SiteType.VACANT)
    flat = series((0, 0), (4e-6, 0))
    drive = ahs.DrivingField(amplitude=flat, phase=flat, detuning=series((0, -9e6), (4e-6, 9e6)))
    local = ahs.LocalDetuning(ahs.Field(flat, ahs.Pattern([0, 1, 0, 1, 0])))
    for hamiltonian, uniform in ((drive, True), (drive + local, False)):
        found = read(Format.AHS, ahs.AnalogHamiltonianSimulation(sites, hamiltonian).to_ir().json())
        assert (found.width, found.duration_us, found.global_drive) == (4, pytest.approx(4.0), uniform)


def test_a_perceval_circuit_gives_its_modes_photons_and_free_parameters(pcvl):
    from perceval.serialization import serialize

    circuit = pcvl.Circuit(4) // pcvl.BS() // (2, pcvl.PS(pcvl.P("phi"))) // (1, pcvl.PS(pcvl.P("set", value=1.0)))
    circuit.add(0, pcvl.BS(theta=pcvl.Expression("2*a + sin(b)", {pcvl.P("a"), pcvl.P("b")})))
    circuit.add(0, pcvl.Circuit(2) // pcvl.Unitary(pcvl.Matrix.random_unitary(2)), merge=False)
    for compress in (True, False):
        document = documents.perceval(circuit=serialize(circuit, compress=compress), input_state="|1,0,2,0>")
        found = read(Format.PERCEVAL, document)
        assert (found.width, found.photons) == (4, 3)
        assert sorted(found.parameters) == ["a", "b", "phi"]


@pytest.mark.parametrize("modes", [1, 2, 150])
def test_a_perceval_matrix_of_finite_numbers_is_read_and_another_refused(pcvl, modes):
    from perceval.serialization import serialize

    matrix = pcvl.Matrix.eye(modes) if modes == 1 else pcvl.Matrix.random_unitary(modes)
    unitary = pcvl.Unitary(matrix)
    state = f"|{','.join('1' * modes)}>"
    assert read(Format.PERCEVAL, documents.perceval(circuit=serialize(unitary), input_state=state)).width == modes
    unitary._u[modes - 1, 0] = complex(0.5, float("inf"))
    text = json.dumps(documents.perceval(circuit=serialize(unitary), input_state=state))
    assert refused(Format.PERCEVAL, text).code == "program_number"


def test_a_perceval_angle_that_is_no_number_is_refused(pcvl):
    from perceval.serialization import serialize

    circuit = pcvl.Circuit(2) // pcvl.BS() // pcvl.PS(float("nan"))
    found = refused(Format.PERCEVAL, json.dumps(documents.perceval(circuit=serialize(circuit))))
    assert (found.code, found.pointer) == ("program_number", "/circuit")


def test_a_perceval_experiment_brings_its_own_input_state(pcvl):
    from perceval.serialization import serialize

    experiment = pcvl.Experiment(pcvl.Circuit(3) // pcvl.BS() // (1, pcvl.BS()))
    experiment.add_herald(2, 1)
    experiment.set_postselection(pcvl.PostSelect("[0,1]==1 & [1] > 0"))
    experiment.with_input(pcvl.BasicState("|1,1>"))
    experiment.min_detected_photons_filter(2)
    found = read(Format.PERCEVAL, {"command": "samples", "experiment": serialize(experiment)})
    assert (found.width, found.photons) == (3, 3)


@pytest.mark.parametrize(
    ("form", "path", "value", "pointer"),
    [
        (Format.PULSER, ("operations", 0, "amplitude", "kind"), "sawtooth", "/operations/0/amplitude/kind"),
        (Format.PULSER, ("register", 1, "x"), "left", "/register/1/x"),
        (Format.PULSER, ("variables", "a/b~c"), 1, "/variables/a~1b~0c"),
        (Format.AHS, ("setup", "ahs_register", "filling", 1), 2, "/setup/ahs_register/filling/1"),
        (Format.AHS, ("hamiltonian", "extra"), 1, "/hamiltonian/extra"),
        (Format.PERCEVAL, ("command",), "eval", "/command"),
    ],
)
def test_a_refusal_carries_the_pointer_of_the_value(form, path, value, pointer):
    document = {Format.PULSER: documents.pulser, Format.AHS: documents.ahs, Format.PERCEVAL: documents.perceval}[form]()
    documents.put(document, path, value)
    assert refused(form, document).pointer == pointer


def test_a_duplicate_key_is_found_by_pointer_and_by_line():
    refusal = refused(Format.PULSER, '{"channels": {},\n "register": [{"x": 1,\n "x": 2}]}')
    assert (refusal.code, refusal.pointer, refusal.line, refusal.column) == (
        "program_duplicate_key",
        "/register/0/x",
        3,
        2,
    )
