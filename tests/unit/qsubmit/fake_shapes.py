"""Documents of the real shapes with plausible content."""

from __future__ import annotations

import hashlib
import json

from broker.domain.program import PARADIGM, Format

AT = "2026-11-21T00:00:00Z"
BELL = """OPENQASM 2.0;
include "qelib1.inc";
qreg q[2]; creg c[2];
h q[0]; cx q[0],q[1];
measure q -> c;
"""


def program_view(program=None):
    program = program or {"format": "openqasm2", "source": BELL}
    paradigm = PARADIGM[Format(program["format"])].value
    return {
        "format": program["format"],
        "sha256": hashlib.sha256(program["source"].encode()).hexdigest(),
        "paradigm": paradigm,
        "width": 2,
        "qubits": 2 if paradigm == "gate" else None,
        "depth": 3,
        "gates": {"1": 1, "2": 1},
        "parameters": [],
    }


def job_view(job_id, *, created_at, body=None, **facts):
    body = body or {}
    return {
        "id": job_id,
        "state": "accepted",
        "name": body.get("name", ""),
        "tags": body.get("tags", []),
        "device": body.get("device", "local/auto"),
        "sandbox": False,
        "program": program_view(body.get("program")),
        "shots": body.get("shots", 1000),
        "points": len(body.get("points", [])) or 1,
        "seed": body.get("seed"),
        "cost": {"quoted": "14.5", "held": "14.5", "charged": None, "currency": "KRW"},
        "created_at": created_at.isoformat(),
        "updated_at": created_at.isoformat(),
        "deadline": body.get("deadline"),
        "cancel_requested": False,
        "error": None,
        "attempt": None,
        "timeline": [],
        "latency": {"broker_queue_s": 0.012, "vendor_queue_s": 0.0, "run_s": 0.34, "fetch_s": 0.002, "total_s": 0.36},
        "project": "kaist-qec",
        "member": "mina",
        "trace_id": None,
        "links": {"self": f"/v1/jobs/{job_id}"},
        **facts,
    }


def attempt_view(**facts):
    return {
        "id": "a1",
        "number": 1,
        "device": "quandela/belenos",
        "token": "qsub-a1",
        "remote_id": None,
        "vendor_status": None,
        "queue_position": None,
        "outcome": None,
        "at": AT,
        **facts,
    }


def result_document(job, *, points=None, **facts):
    points = points or [{"bindings": {}, "counts": {"00": 514, "11": 486}, "shots": 1000}]
    return {
        "schema_version": "1.0",
        "kind": "gate",
        "counts": points[0]["counts"] if len(points) == 1 else None,
        "points": points,
        "shots": {"asked": job["shots"], "obtained": sum(point["shots"] for point in points)},
        "bit_order": "key[i] is classical bit i: registers in declaration order, index 0 of each leftmost",
        "registers": [{"name": "c", "size": 2, "offset": 0}],
        "device": job["device"],
        "sandbox": job["sandbox"],
        "calibration": None,
        "compiled": None,
        "raw": None,
        "software": {"qiskit-aer": "0.18.0"},
        "engine": "aer stabilizer: all gates are Clifford",
        "warnings": [],
        "sha256": "ab" * 32,
        **facts,
    }


def device(name, **facts):
    backend = name.split("/")[0]
    return {
        "name": name,
        "backend": backend,
        "provider": backend,
        "vendor_id": name,
        "region": "kr",
        "kind": "simulator" if backend == "local" else "qpu",
        "status": "online",
        "accepts": ["openqasm2", "openqasm3"],
        "width": 25,
        "max_shots": 100000,
        "sweeps": True,
        "run_per_point": False,
        "max_run_s": 60.0,
        "queue_depth": 3,
        "wait_s": 84.0,
        "available_now": True,
        "next_window": None,
        "price": {"currency": "USD", "per_task": "0.300000", "per_shot": "0.003500", "per_second": "0"},
        "calibration": None,
        "sandbox": backend != "local",
        "accessible": True,
        "refusal": None,
        "notes": "",
        **facts,
    }


DEVICES = [
    device("braket/ionq-forte-1", width=36, accessible=False, refusal="hub seoul has no access agreement for it"),
    device("local/auto", price=None, wait_s=0.0, width=None, queue_depth=None),
    device("pasqal/fresnel", available_now=False, next_window="2026-11-23T09:00:00Z", accepts=["pulser"]),
]


def offer(name, **facts):
    cost = {"amount": "14.5", "currency": "KRW", "display": "15 KRW"}
    return {
        "device": name,
        "cost": cost,
        "list_cost": cost,
        "wait_s": 0.1,
        "wait_p90_s": 0.4,
        "run_s": 0.01,
        "history": 12,
        "success": 0.98,
        "score": 0.1234,
        "sandbox": False,
        **facts,
    }


DECISION = {
    "choice": "local/auto",
    "why": "lowest score 0.123",
    "prefer": "balanced",
    "decided_at": AT,
    "offers": [offer("local/auto"), offer("braket/ionq-forte-1", history=0, sandbox=True, score=0.8)],
    "refusals": [{"device": "pasqal/fresnel", "rule": "format", "reason": "does not accept openqasm2"}],
}

KEY = {
    "id": "key-1",
    "name": "laptop",
    "member": "mina",
    "scopes": ["jobs:read", "jobs:write"],
    "created_at": AT,
    "expires_at": None,
    "revoked_at": None,
    "last_used_at": AT,
    "made_by": "key-0",
    "limit": {"amount": "5000", "currency": "KRW", "display": "5,000 KRW"},
    "left": {"amount": "1200", "currency": "KRW", "display": "1,200 KRW"},
}


def only_document(text):
    """The one JSON document of ``--json``; anything after it is an error."""
    return json.loads(text)


def specs_view(name):
    figures = {"error": 0.001, "t1": 4e-05, "t2": None, "readout": 0.02}
    gate = {"native": ["cz"], "supported": ["h", "cnot"], "qubits": ["1", "2"], "edges": [["1", "2"]], "angles": {}}
    return {
        "device": name,
        "gate": gate | {"one_qubit": {"1": figures}, "two_qubit": {"1-2": {"cz": 0.01}}},
        "analog": None,
        "photonic": None,
        "vendor": {"paradigm": {}},
        "as_of": AT,
        "sha256": "cd" * 32,
    }
