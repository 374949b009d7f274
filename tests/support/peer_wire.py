"""What does a peer answer in a test? A real gateway in this process, or the answer that the test gives."""

from __future__ import annotations

import json

from backends.exchange import Reply
from tests.support.routing_world import GATE, price, qpu, simulator


class Wire:
    """The transport's interface over a gateway; ``asked`` is what went out, ``reply`` an answer instead of its own."""

    def __init__(self, world, member="ada"):
        self._world, self._member = world, member
        self.asked = []
        self.reply = None

    def ask(self, method, path, *, timeout_s, body=None, headers=None):
        self.asked.append((method, path, body, headers))
        if self.reply is not None:
            if isinstance(self.reply, Exception):
                raise self.reply
            return self.reply
        headers = {"Content-Type": "application/json"} | (headers or {})
        answer = self._world.call(self._member, method, path, headers=headers, content=body)
        found = answer.json() if answer.content else None
        document = found if isinstance(found, dict) else None
        return Reply(status=answer.status_code, text=answer.text, document=document)


DEVICES = (
    simulator("local/timed", GATE, dynamic=True, max_run_ms=120_000, max_memory_bytes=16 << 26,
              price=price("local/timed", "KRW", second="5"), methods=("stabilizer", "statevector")),
    simulator("local/points", GATE, width=20, max_run_ms=10_000, price=price("local/points", "KRW", second="5"),
              run_per_point=True),
    qpu("braket/single", GATE, width=20, sweeps=False,
        price=price("braket/single", "USD", task="0.30", shot="0.00145")),
    qpu("braket/unpriced", GATE, width=20),
    qpu("pasqal/closed", GATE, width=20),
    simulator("peer/paris-local-aer", GATE, width=20),
)  # fmt: skip


def problem(status, code, *, retry_after=None, **more):
    """A hub's own refusal."""
    body = {"type": f"urn:qsubmit:error:{code}", "title": "No", "status": status, "code": code, "detail": "because"}
    return reply(status, body | more, retry_after=retry_after)


def reply(status, body, *, retry_after=None):
    text = json.dumps(body)
    return Reply(status=status, text=text, document=body if isinstance(body, dict) else None, retry_after=retry_after)
