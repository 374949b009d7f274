"""Does a worker report the walls of its machine, those that are missing too?"""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from backends.walls import WALLS
from broker.settings import Settings
from workers import rounds


@pytest.mark.parametrize("lacks", [frozenset(), frozenset({"user", "scopes"})])
def test_a2_a_worker_reports_the_walls_of_its_machine(gateway, monkeypatch, lacks):
    monkeypatch.setattr(rounds.wall_look, "lacking", lambda: lacks)
    hands = SimpleNamespace(store=gateway.store, settings=Settings(), backends={}, owner="me")
    (round_of_walls,) = [each for each in rounds.rounds_of(hands) if each.name.startswith("walls:")]

    round_of_walls.run(gateway.clock())

    with gateway.store.read() as work:
        seen = work.walls.since(gateway.clock())
    assert {wall.name for wall in seen} == set(WALLS)
    assert {wall.name for wall in seen if not wall.stands} == lacks
    assert all(wall.means == WALLS[wall.name] for wall in seen)
