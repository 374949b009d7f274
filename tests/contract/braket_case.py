"""AWS Braket under the contract: the token class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backends.base import Phase, Recovery
from backends.braket.adapter import TRANSLATION, BraketBackend
from backends.braket.sandbox import BraketSandbox
from backends.braket.settings import Credentials, Secret, Settings
from backends.child import ChildPool
from backends.sandboxing.serving import Served
from broker.domain.program import Format, Program
from tests.contract.promises import Case, requirement

if TYPE_CHECKING:
    from pathlib import Path

ACCESS_KEY, SECRET_KEY, SESSION = "AKIACONTRACTSECRET01", "contract-secret-key-9f2c", "contract-session-token-77aa"
BELL = 'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[2] q;\nbit[2] c;\nh q[0];\ncx q[0], q[1];\nc = measure q;\n'
ROTATION = (
    'OPENQASM 3.0;\ninclude "stdgates.inc";\ninput float theta;\nqubit q;\nbit c;\nrx(theta) q;\nc = measure q;\n'
)


class BraketBench:
    def __init__(self, data: Path) -> None:
        self._sandbox = BraketSandbox(data)
        self._served = Served(self._sandbox.app)
        self.url = self._served.url
        self.knobs = self._sandbox.knobs
        self.ledger = self._sandbox.ledger
        # One translator for all adapters: a new child spends seconds on its imports.
        self._translator = ChildPool("backends.braket.translate:translate", 1, TRANSLATION)

    def adapter(self, *, timeout_s: float = 20.0, url: str | None = None) -> BraketBackend:
        keys = Credentials(access_key=Secret(ACCESS_KEY), secret_key=Secret(SECRET_KEY), session_token=Secret(SESSION))
        settings = Settings(
            credentials=keys, bucket="amazon-braket-contract-{region}", endpoint=url or self.url, sandbox=True
        )
        return BraketBackend(settings, timeout_s=timeout_s, translate=self._translator.call)

    def close(self) -> None:
        self._translator.close()
        self._served.close()
        self._sandbox.close()


def sweep():
    need = requirement(Format.OPENQASM3, width=1, registers=(("c", 1),), parameters=("theta",), points=3)
    return Program.of(Format.OPENQASM3, ROTATION), need, ({"theta": 0.0}, {"theta": 1.5}, {"theta": 3.0})


CASE = Case(
    name="braket",
    recovery=Recovery.TOKEN,
    start=BraketBench,
    device="braket/sv1",
    gate_device="braket/sv1",
    program=Program.of(Format.OPENQASM3, BELL),
    requirement=requirement(Format.OPENQASM3, width=2, registers=(("c", 2),)),
    words={
        "CREATED": Phase.QUEUED,
        "QUEUED": Phase.QUEUED,
        "RUNNING": Phase.RUNNING,
        "CANCELLING": Phase.RUNNING,
        "COMPLETED": Phase.DONE,
        "FAILED": Phase.FAILED,
        "CANCELLED": Phase.CANCELLED,
    },
    secrets=(ACCESS_KEY, SECRET_KEY, SESSION),
    sweep=sweep,
    invalid=Program.of(Format.OPENQASM3, BELL.replace("cx q[0]", "cnoot q[0]")),
)
