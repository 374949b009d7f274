"""Is the engine that is chosen the one that the figures speak for, and is a refusal honest?"""

from __future__ import annotations

import pytest

from backends.local.choose import Machine, Need, Unfit, choose
from backends.local.estimate import other_choice

GIB = 1 << 30
LARGE = Machine(memory_bytes=20 * GIB, qsim=True)
WITHOUT_QSIM = Machine(memory_bytes=20 * GIB, qsim=False)


def need(width, *, cut=None, gates=200, clifford=False, dynamic=False, shots=1000, points=1):
    return Need(
        width=width,
        operations=gates,
        multi_qubit_gates=gates // 3,
        entangling_cut=width // 2 if cut is None else cut,
        clifford=clifford,
        dynamic=dynamic,
        shots=shots,
        points=points,
    )


@pytest.mark.parametrize(
    ("wanted", "machine", "device", "engine"),
    [
        (need(2), LARGE, "auto", "exact/statevector"),
        (need(12), LARGE, "auto", "exact/statevector"),
        (need(12), LARGE, "aer", "exact/statevector"),
        (need(12), LARGE, "qsim", "qsim/statevector"),
        (need(13), LARGE, "auto", "qsim/statevector"),
        (need(13), WITHOUT_QSIM, "auto", "aer/statevector"),
        (need(13), LARGE, "aer", "aer/statevector"),
        (need(13, clifford=True), LARGE, "auto", "aer/stabilizer"),
        (need(500, clifford=True), LARGE, "aer", "aer/stabilizer"),
        (need(5, dynamic=True), LARGE, "auto", "aer/statevector"),
        (need(5, dynamic=True, clifford=True), LARGE, "auto", "aer/stabilizer"),
        (need(25, cut=3), LARGE, "auto", "aer/matrix_product_state"),
        (need(25, cut=3), LARGE, "aer", "aer/statevector"),
        (need(25), LARGE, "auto", "qsim/statevector"),
        (need(100, cut=4), LARGE, "auto", "aer/matrix_product_state"),
        (need(100, cut=12), LARGE, "auto", "aer/matrix_product_state"),
        (need(30, gates=1000), LARGE, "auto", "qsim/statevector"),
        (need(30, gates=1000, cut=13), LARGE, "auto", "aer/matrix_product_state"),
        (need(26, dynamic=True, cut=2), LARGE, "auto", "aer/matrix_product_state"),
    ],
)
def test_the_figures_decide(wanted, machine, device, engine):
    choice = choose(wanted, machine, device=device)
    assert f"{choice.engine}/{choice.method}" == engine
    assert choice.memory_bytes <= machine.memory_bytes
    assert choice.words.startswith(f"{engine}: ")


def test_an_unsure_guess_is_raced_and_falls_back_to_the_dense_state():
    choice = choose(need(30, gates=1000, cut=13), LARGE, device="auto")
    assert (choice.limit_s, choice.reason) == (5.0, "entangling cut 13 of 30 qubits, a guess")
    assert choice.fallback.engine == "qsim"


def test_a_sure_one_is_not_raced():
    assert choose(need(25, cut=3), LARGE, device="auto").limit_s is None


@pytest.mark.parametrize(
    ("wanted", "device", "code", "words"),
    [
        (need(34), "auto", "memory", "qsim/statevector needs about 128.1 GiB of memory, this machine has 20.0 GiB"),
        (need(40), "aer", "memory", "aer/statevector needs about 16.0 TiB of memory, this machine has 20.0 GiB"),
        (need(33), "qsim", "memory", "qsim/statevector needs about 64.1 GiB of memory, this machine has 20.0 GiB"),
        (need(300), "auto", "memory", "aer/statevector needs about 16,384.0 PiB of memory"),
        (need(5, dynamic=True), "qsim", "unsupported", "measure at the end only"),
    ],
)
def test_a_refusal_names_the_estimate(wanted, device, code, words):
    with pytest.raises(Unfit) as caught:
        choose(wanted, LARGE, device=device)
    assert words in str(caught.value)
    assert caught.value.code == code


def test_the_users_method_goes_before_the_choice_but_not_before_the_memory():
    wanted = choose(need(25), LARGE, device="auto", method="matrix_product_state")
    assert wanted.words == "aer/matrix_product_state: asked for"
    with pytest.raises(Unfit):
        choose(need(40), LARGE, device="auto", method="statevector")
    with pytest.raises(Unfit, match="there is no method 'magic' here"):
        choose(need(4), LARGE, device="auto", method="magic")


def test_analog_and_photonic_programs_are_estimated_too():
    def other(engine, width, photons=0):
        return other_choice(engine, width=width, duration_us=4.0, photons=photons, points=1, machine=LARGE)

    assert other("pulser", 12).words == "pulser/qutip: dense state of 12 atoms"
    assert other("perceval", 8, 4).words == "perceval/slos: 8 modes, 4 photons"
    for engine, width, photons in (("pulser", 30, 0), ("ahs", 30, 0), ("perceval", 64, 12)):
        with pytest.raises(Unfit, match=f"{engine} needs about"):
            other(engine, width, photons)
