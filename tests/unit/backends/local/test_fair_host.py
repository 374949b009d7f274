"""Is a small job's wait bounded, with real children, whatever another member sends?"""

from __future__ import annotations

import time
from dataclasses import replace

from backends.base import Phase
from tests.support.local_orders import BELL

HEAD = 'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[4];\ncreg c[4];\n'
TOP, REST = BELL[: BELL.index("qreg")], BELL[BELL.index("qreg") :]
GATES = 8_000  # definitions that nothing uses: 800 KB of text around two operations


def large_text(number):
    unused = "".join(f"gate g{n} a, b {{ {'u3(pi/2, 0.1, 0.2) a; cx a, b; ' * 3}}}\n" for n in range(GATES))
    return f"{TOP}// {number}\n{unused}{REST}"


def test_a9_a_bell_pair_does_not_wait_for_two_hundred_programs_of_800_kb(backend, orders):
    different = [orders(large_text(number)) for number in range(2)]
    assert all(len(each.program.source) > 700_000 and each.requirement.operations < 9 for each in different)
    owner = {"organisation": "o", "member": "flood"}
    flood = [replace(different[n % 2], token=f"qsub-{n}", **owner) for n in range(200)]
    remote = backend.submit_many([replace(orders(BELL), organisation="o", member="first")])
    backend.wait(remote, 60)  # the children are warm
    held = backend.submit_many(flood)
    started = time.monotonic()
    bell = backend.submit(replace(orders(BELL), organisation="o", member="mate"))
    backend.wait([bell], 60)
    waited = time.monotonic() - started
    looks = backend.poll([*held, bell])
    for each in held:
        backend.cancel(each)
    assert looks[bell].phase is Phase.DONE
    assert sum(looks[each].phase in (Phase.QUEUED, Phase.RUNNING) for each in held) > 150
    assert waited < 10.0  # tens of milliseconds on a machine that does nothing else


def test_a9_a_run_killed_at_its_limit_tells_its_seconds(backend, orders):
    hard = (
        HEAD.replace("[4]", "[24]")
        + "h q;\n"
        + "".join(f"rx(0.{n % 9 + 1}) q[{n % 24}];\ncx q[{n % 24}],q[{(n + 7) % 24}];\n" for n in range(4000))
    )
    remote = backend.submit(orders(hard + "measure q->c;\n", "local/aer", shots=10))
    deadline = time.monotonic() + 30
    while backend.poll([remote])[remote].phase is not Phase.RUNNING and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.3)
    backend.cancel(remote)
    look = backend.poll([remote])[remote]
    assert look.phase is Phase.CANCELLED
    assert look.usage is not None
    assert look.usage.run_ms > 100
