"""Another hub under the contract: the token class, against a real second gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backends.base import Recovery
from backends.environment import Secret
from backends.peer.adapter import PeerBackend
from backends.peer.settings import Peer
from backends.peer.status import WORDS
from tests.contract.promises import Case
from tests.support.gate_programs import GATE
from tests.support.peer_hub import HUB, PeerHub

if TYPE_CHECKING:
    from pathlib import Path

KEY = "qs_live_contract_peer-secret-3e8b"


class PeerBench(PeerHub):
    def __init__(self, data: Path) -> None:
        super().__init__(data, secret=KEY)

    def adapter(self, *, timeout_s: float = 20.0, url: str | None = None) -> PeerBackend:
        return PeerBackend([Peer(name=HUB, url=url or self.url, key=Secret(KEY))], timeout_s=timeout_s)


CASE = Case(
    name="peer",
    recovery=Recovery.TOKEN,
    start=PeerBench,
    device="peer/seoul-local-aer",
    gate_device="peer/seoul-local-aer",
    words=WORDS.phases,
    secrets=(KEY,),
    **GATE,
    positions=False,
    why={"positions": "a peer tells a place only where its own vendor does, and a simulator of ours tells none"},
)
