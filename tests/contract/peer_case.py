"""Another hub under the contract: the token class, against a real second gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backends.base import Recovery
from backends.peer.adapter import PeerBackend
from backends.peer.settings import Peer, Secret
from backends.peer.status import PHASES
from broker.domain.program import Format, Program
from tests.contract.promises import Case, requirement
from tests.support.peer_hub import HUB, PeerHub

if TYPE_CHECKING:
    from pathlib import Path

KEY = "qs_live_contract_peer-secret-3e8b"
BELL = 'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[2] q;\nbit[2] c;\nh q[0];\ncx q[0], q[1];\nc = measure q;\n'
ROTATION = (
    'OPENQASM 3.0;\ninclude "stdgates.inc";\ninput float theta;\nqubit q;\nbit c;\nrx(theta) q;\nc = measure q;\n'
)


class PeerBench(PeerHub):
    def __init__(self, data: Path) -> None:
        super().__init__(data, secret=KEY)

    def adapter(self, *, timeout_s: float = 20.0, url: str | None = None) -> PeerBackend:
        return PeerBackend([Peer(name=HUB, url=url or self.url, key=Secret(KEY))], timeout_s=timeout_s)


def sweep():
    need = requirement(Format.OPENQASM3, width=1, registers=(("c", 1),), parameters=("theta",), points=3)
    return Program.of(Format.OPENQASM3, ROTATION), need, ({"theta": 0.0}, {"theta": 1.5}, {"theta": 3.0})


CASE = Case(
    name="peer",
    recovery=Recovery.TOKEN,
    start=PeerBench,
    device="peer/seoul-local-aer",
    gate_device="peer/seoul-local-aer",
    program=Program.of(Format.OPENQASM3, BELL),
    requirement=requirement(Format.OPENQASM3, width=2, registers=(("c", 2),)),
    words=PHASES,
    secrets=(KEY,),
    sweep=sweep,
    invalid=Program.of(Format.OPENQASM3, BELL.replace("cx q[0]", "cnoot q[0]")),
    positions=False,
    why={"positions": "a peer tells a place only where its own vendor does, and a simulator of ours tells none"},
)
