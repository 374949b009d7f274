"""AWS Braket under the contract: the token class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backends.base import Phase, Recovery
from backends.braket.adapter import TRANSLATION, BraketBackend
from backends.braket.sandbox.serve import BraketSandbox
from backends.braket.settings import Credentials, Settings
from backends.child import ChildPool
from backends.environment import Secret
from tests.contract.promises import Case
from tests.contract.sandboxed import SandboxBench
from tests.support.gate_programs import GATE

if TYPE_CHECKING:
    from pathlib import Path

ACCESS_KEY, SECRET_KEY, SESSION = "AKIACONTRACTSECRET01", "contract-secret-key-9f2c", "contract-session-token-77aa"


class BraketBench(SandboxBench):
    def __init__(self, data: Path) -> None:
        super().__init__(BraketSandbox(data))
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
        super().close()


CASE = Case(
    name="braket",
    recovery=Recovery.TOKEN,
    start=BraketBench,
    device="braket/sv1",
    gate_device="braket/sv1",
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
    why={"billed": "a simulator's run time stands in its result alone: the status tells the shots and the minimum"},
    **GATE,
)
