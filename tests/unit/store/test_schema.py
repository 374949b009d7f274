"""Do the migrations make the tables of the code, and take them away again, on both databases?"""

from __future__ import annotations

import threading

import pytest
from alembic.util.exc import CommandError
from sqlalchemy import inspect, text
from sqlalchemy.exc import IntegrityError

from broker.store.engine import open_engine
from broker.store.schema import back, differences, downgrade, is_current, upgrade


@pytest.fixture(params=["sqlite", "postgres"])
def empty(request, tmp_path):
    """An engine on a database without any table."""
    if request.param == "sqlite":
        engine = open_engine(f"sqlite:///{tmp_path / 'empty.db'}")
        yield engine
        engine.dispose()
        return
    with request.getfixturevalue("postgres").empty() as url:
        engine = open_engine(url)
        yield engine
        engine.dispose()


def tables(engine):
    return set(inspect(engine).get_table_names()) - {"alembic_version"}


def test_up_check_down_up(empty):
    assert not is_current(empty)
    upgrade(empty)
    assert differences(empty) == []
    assert is_current(empty)
    downgrade(empty)
    assert tables(empty) == set()
    upgrade(empty)
    assert differences(empty) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('["jobs:read","jobs:write"]', '["jobs:read","jobs:write","keys:self"]'),
        ('["jobs:read","ops"]', '["jobs:read","ops","keys:self"]'),
        ('["devices:read","jobs:read","quotes"]', '["devices:read","jobs:read","quotes"]'),
    ],
)
def test_a8_keys_that_write_still_make_keys_after_the_upgrade_and_readers_no_longer(empty, before, after):
    upgrade(empty, "0001")
    with empty.begin() as connection:
        people(connection)
        key = "INSERT INTO api_keys (id, member_id, digest, name, scopes, created_at) VALUES ('k','m','d','n',:s,0)"
        connection.execute(text(key), {"s": before})
    for step, scopes in ((upgrade, after), (lambda engine: downgrade(engine, "0001"), before)):
        step(empty)
        with empty.connect() as connection:
            assert connection.execute(text("SELECT scopes FROM api_keys")).scalar_one() == scopes


def people(connection):
    for statement in (
        "INSERT INTO hubs (id, slug, name, currency, source) VALUES ('h', 'h', 'h', 'KRW', '')",
        "INSERT INTO organisations VALUES ('o', 'h', 'o', 'o', 'firm', 1, '')",
        "INSERT INTO projects (id, organisation_id, slug, name, shares) VALUES ('p', 'o', 'p', 'p', 1)",
        "INSERT INTO members (id, project_id, name, role, shares) VALUES ('m', 'p', 'm', 'member', 1)",
    ):
        connection.execute(text(statement))


def test_a8_going_back_brings_no_ended_key_to_life_and_takes_no_limit_away(empty):
    upgrade(empty)
    keys = {  # parent, budget, expires, revoked
        "root": (None, None, None, None),
        "gone": ("root", None, None, 7),
        "below": ("gone", None, None, None),
        "short": ("root", None, 9, None),
        "long": ("short", None, 99, None),
        "ever": ("long", None, None, None),
        "poor": ("root", "key:poor", None, None),
        "child": ("poor", None, None, None),
    }
    with empty.begin() as connection:
        people(connection)
        budget = "INSERT INTO budgets (id, owner, currency, held, spent) VALUES ('key:poor', 'x', 'KRW', 0, 0)"
        connection.execute(text(budget))
        for name, (parent, limited, expires, revoked) in keys.items():
            row = {"id": name, "parent": parent, "budget": limited, "expires": expires, "revoked": revoked}
            connection.execute(
                text(
                    "INSERT INTO api_keys (id, member_id, digest, name, scopes, created_at, parent_id, budget_id, "
                    "expires_at, revoked_at) VALUES (:id, 'm', :id, 'n', '[]', 0, :parent, :budget, :expires, :revoked)"
                ),
                row,
            )
    downgrade(empty, "0001")
    with empty.connect() as connection:
        left = {row.id: row for row in connection.execute(text("SELECT id, expires_at, revoked_at FROM api_keys"))}
    assert {name for name, row in left.items() if row.revoked_at is None} == {"root", "short", "long", "ever"}
    assert {name: row.expires_at for name, row in left.items() if row.expires_at} == {"short": 9, "long": 9, "ever": 9}
    with pytest.raises(RuntimeError):
        back(empty)
    assert "jobs" in tables(empty)


def at(engine, revision):
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :at"), {"at": revision})


def test_a11_tables_of_the_next_release_are_good_enough_and_those_after_are_not(empty):
    upgrade(empty)
    with empty.connect() as connection:
        mine = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    at(empty, f"{int(mine) + 1:04}")
    upgrade(empty)
    assert is_current(empty)
    at(empty, f"{int(mine) + 2:04}")
    assert not is_current(empty)
    with pytest.raises(CommandError):
        upgrade(empty)


def test_going_up_twice_changes_nothing(empty):
    upgrade(empty)
    upgrade(empty)
    assert is_current(empty)


def test_processes_that_start_together_all_come_up(empty):
    engines = [open_engine(empty.url.render_as_string(hide_password=False)) for _ in range(3)]
    failed = []

    def start(engine):
        try:
            upgrade(engine)
        except Exception as error:  # noqa: BLE001  the assertion below shows it
            failed.append(error)

    threads = [threading.Thread(target=start, args=(engine,)) for engine in engines]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    for engine in engines:
        engine.dispose()
    assert failed == []
    assert is_current(empty)


@pytest.mark.parametrize(
    ("held", "spent"), [(101, 0), (60, 41), (-1, 0), (0, -1)], ids=["held", "together", "less held", "less spent"]
)
def test_the_last_wall_refuses_an_overspent_budget(store, held, spent):
    row = {"id": "b", "owner": "project:x", "currency": "KRW", "limit_micros": 100, "held": held, "spent": spent}
    names = ", ".join(row)
    with pytest.raises(IntegrityError), store.write() as work:
        work.connection.execute(text(f"INSERT INTO budgets ({names}) VALUES (:{', :'.join(row)})"), row)
