"""Who sees which walls stand on which machine, and until when?"""

from __future__ import annotations

from datetime import timedelta

import pytest

from broker.domain.wall import REPORTED_WITHIN, Wall


def report(gateway, *, machine="hub1", ago=timedelta(0), **stands):
    at = gateway.clock() - ago
    seen = [
        Wall(machine=machine, name=name, stands=each, means=f"{name} is open", seen_at=at)
        for name, each in stands.items()
    ]
    with gateway.store.write() as work:
        work.walls.replace(machine, seen)


def test_a2_an_operator_sees_what_is_missing_and_what_it_means(gateway):
    report(gateway, files=True, user=False)

    found = gateway.call("olga", "GET", "/v1/walls").json()["walls"]

    assert [(wall["machine"], wall["wall"], wall["stands"], wall["means"]) for wall in found] == [
        ("hub1", "files", True, ""),
        ("hub1", "user", False, "user is open"),
    ]


def test_a2_a_new_report_takes_the_place_of_the_old_one(gateway):
    report(gateway, files=True, user=False)
    report(gateway, files=True)
    report(gateway, machine="hub2", files=False)

    found = gateway.call("olga", "GET", "/v1/walls").json()["walls"]

    assert [(wall["machine"], wall["wall"]) for wall in found] == [("hub1", "files"), ("hub2", "files")]


def test_a2_a_silent_machine_is_forgotten(gateway):
    report(gateway, ago=REPORTED_WITHIN + timedelta(seconds=1), files=True)

    assert gateway.call("olga", "GET", "/v1/walls").json() == {"walls": []}


@pytest.mark.parametrize("who", ["ada", "vic"])
def test_a2_walls_are_no_news_for_members(gateway, who):
    assert gateway.call(who, "GET", "/v1/walls").status_code == 403
