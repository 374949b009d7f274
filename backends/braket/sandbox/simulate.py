"""What would the device measure? Runs in a child: one task's action through Braket's simulators, as result JSON.

The child has one thread of its own: Braket's kernels end the whole process when two threads simulate at once.
"""

from __future__ import annotations

import json
import time
import warnings
from typing import TYPE_CHECKING, Any, NoReturn

from backends.braket.sandbox.noise import NoiseFigures, flip, mix, noisy_simulator, survival
from backends.braket.sandbox.simulate_results import plain, result_types

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

MAX_QUBITS = {"sv": 26, "dm": 12}
_DENSE_NOISE_QUBITS = 7
_EXACT_ATOMS = 12
_BLOCKADE_M = 4.5e-6
_TASK_RESULT = "braket.task_result."


def warm() -> None:
    """Compile the kernels before the first task comes; from here on no program includes a file."""
    from braket.default_simulator.openqasm import interpreter
    from braket.ir.openqasm import Program

    # The interpreter opens whatever path an include names, and runs what it finds there.
    interpreter.open = _closed
    program = Program(source="OPENQASM 3.0;\nqubit[2] q;\nbit[2] b;\nh q[0];\ncnot q[0], q[1];\nb = measure q;\n")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _simulator("sv").run(program, shots=2)


def _closed(name: str, **_: object) -> NoReturn:
    raise ValueError(f"include {name!r}: the device includes no files"[:200])


def simulate(request: Mapping[str, Any]) -> dict[str, Any]:
    """``{action, shots, arn, device, created_at, engine, errors}`` → ``{result, run_ms}``.

    ``engine`` is ``sv`` or ``dm``; ``errors`` are the device's mean errors, absent for a simulator.

    Raises:
        ValueError: the program cannot be run; the message is the task's failure reason.
    """
    started = time.monotonic()
    action = json.loads(request["action"])
    kind = action["braketSchemaHeader"]["name"]
    run = {
        "braket.ir.openqasm.program": _program,
        "braket.ir.jaqcd.program": _program,
        "braket.ir.openqasm.program_set": _program_set,
        "braket.ir.ahs.program": _atoms,
    }.get(kind)
    if run is None:
        raise ValueError(f"the device does not run {kind}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = run(request, action)
    run_ms = max(round((time.monotonic() - started) * 1000), 1)
    _stamp(result, request, run_ms)
    return {"result": json.dumps(result, default=plain), "run_ms": run_ms}


def _simulator(engine: str) -> Any:  # noqa: ANN401  a Braket simulator
    from braket.default_simulator import DensityMatrixSimulator, StateVectorSimulator

    return DensityMatrixSimulator() if engine == "dm" else StateVectorSimulator()


def _stamp(result: dict[str, Any], request: Mapping[str, Any], run_ms: int) -> None:
    """Whose result it is, and when it ended."""
    ended = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + ".000Z"
    times = {"createdAt": request["created_at"], "endedAt": ended, "status": "COMPLETED"}
    about = {"id": request["arn"], "deviceId": request["device"], **times}
    result["taskMetadata"] = {**result.get("taskMetadata", {}), **about}
    if not request.get("errors"):
        header = {"name": _TASK_RESULT + "simulator_metadata", "version": "1"}
        metadata = {"braketSchemaHeader": header, "executionDuration": run_ms}
        for part in result.get("programResults") or [result]:
            part["additionalMetadata"]["simulatorMetadata"] = metadata


def _program(request: Mapping[str, Any], action: Mapping[str, Any]) -> dict[str, Any]:
    shots = int(request["shots"])
    if action["braketSchemaHeader"]["name"] == "braket.ir.jaqcd.program":
        raise ValueError("programs in the jaqcd form are not run here; send OpenQASM")
    measured = _measure(request, action["source"], action.get("inputs"), shots)
    return {
        "braketSchemaHeader": {"name": _TASK_RESULT + "gate_model_task_result", "version": "1"},
        **measured,
        "taskMetadata": {**_task_header("task_metadata"), "shots": shots},
        "additionalMetadata": {"action": action},
    }


def _task_header(name: str) -> dict[str, Any]:
    return {"braketSchemaHeader": {"name": _TASK_RESULT + name, "version": "1"}}


def _measure(request: Mapping[str, Any], source: str, inputs: Mapping[str, Any] | None, shots: int) -> dict[str, Any]:
    """``measurements``, ``measuredQubits`` and ``resultTypes`` of one executable."""
    from braket.ir.openqasm import Program

    program = Program(source=source, inputs=inputs or None)
    parsed = _simulator("dm" if request["engine"] == "dm" else "sv").parse_program(program)
    circuit = parsed.circuit
    qubits, asked = sorted(circuit.qubit_set), list(circuit.results)
    most = MAX_QUBITS[request["engine"]]
    if len(qubits) > most:
        raise ValueError(f"the sandbox simulates at most {most} qubits here, the program has {len(qubits)}")
    errors = NoiseFigures.of(request.get("errors"))
    dense = errors is not None and len(qubits) <= _DENSE_NOISE_QUBITS
    simulator = noisy_simulator(errors) if dense and errors else _simulator(request["engine"])
    outcome = simulator.run(program, shots=shots)
    columns = list(circuit.measured_qubits) or qubits
    if not shots:
        kinds = [{"type": json.loads(each.type.json()), "value": each.value} for each in outcome.resultTypes]
        return {"measurements": None, "measuredQubits": columns, "resultTypes": kinds}
    rows = _rows(outcome.measurements)
    if errors is not None:
        rows = flip(rows if dense else mix(rows, survival(circuit.instructions, errors)), errors.readout)
    kinds = result_types(asked, rows, columns)
    return {"measurements": rows.tolist(), "measuredQubits": columns, "resultTypes": kinds}


def _rows(measurements: Any) -> np.ndarray[Any, Any]:  # noqa: ANN401  the simulator's lists of digits
    import numpy as np

    return np.asarray(measurements).astype(np.uint8)


def _program_set(request: Mapping[str, Any], action: Mapping[str, Any]) -> dict[str, Any]:
    shots = int(request["shots"])
    points = [(program, inputs) for program in action["programs"] for inputs in _points(program)]
    if shots == 0 or shots % len(points):
        raise ValueError("the shots of a program set must be a multiple of its executables")
    programs = []
    for program in action["programs"]:
        executables = []
        for index, inputs in enumerate(_points(program)):
            measured = _measure(request, program["source"], inputs, shots // len(points))
            executables.append(
                {
                    **_task_header("program_set_executable_result"),
                    "inputsIndex": index,
                    "measurements": measured["measurements"],
                    "measuredQubits": measured["measuredQubits"],
                }
            )
        programs.append(
            {
                **_task_header("program_result"),
                "executableResults": executables,
                "source": program,
                "additionalMetadata": {},
            }
        )
    metadata: list[dict[str, Any]] = [
        {"executables": [{} for _ in program["executableResults"]]} for program in programs
    ]
    counts = {"requestedShots": shots, "successfulShots": shots, "totalFailedExecutables": 0}
    about = {**_task_header("program_set_task_metadata"), **counts, "programMetadata": metadata}
    return {**_task_header("program_set_task_result"), "programResults": programs, "taskMetadata": about}


def _points(program: Mapping[str, Any]) -> list[dict[str, Any] | None]:
    inputs = program.get("inputs")
    if not inputs:
        return [None]
    return [dict(zip(inputs, values, strict=True)) for values in zip(*inputs.values(), strict=True)]


def _atoms(request: Mapping[str, Any], action: Mapping[str, Any]) -> dict[str, Any]:
    from braket.analog_hamiltonian_simulator.rydberg.rydberg_simulator import RydbergAtomSimulator
    from braket.ir.ahs import Program

    from backends.braket.sandbox.noise import detect

    program = Program.parse_obj(action)
    filled = sum(program.setup.ahs_register.filling)
    blockade = 0.0 if filled <= _EXACT_ATOMS else _BLOCKADE_M
    answer = RydbergAtomSimulator().run(program, shots=int(request["shots"]), blockade_radius=blockade)
    result: dict[str, Any] = json.loads(answer.json())
    errors = NoiseFigures.of(request.get("errors"))
    if errors is not None:
        detect(result["measurements"], errors)
    result["additionalMetadata"] = {"action": action}
    return result
