"""How does a vendor's sandbox stand in this process, beside the adapters that speak with it?"""

from __future__ import annotations

from backends.sandboxing.serving import Served


class SandboxBench:
    """A bench over a vendor's sandbox; a case adds ``adapter``."""

    def __init__(self, sandbox) -> None:
        self._sandbox = sandbox
        self._served = Served(sandbox.app)
        self.url = self._served.url
        self.knobs = sandbox.knobs
        self.ledger = sandbox.ledger

    def close(self) -> None:
        self._served.close()
        self._sandbox.close()
