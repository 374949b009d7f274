"""What happens on a first start? The schema, the seeds, and a key for the first administrator of every hub."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from broker.clock import hub_clock
from broker.domain.scopes import SCOPES_OF, Role
from broker.queue import SilentDoorbell
from broker.services.keys import Keys
from broker.services.seed import load
from broker.services.seed_check import SeedWrong
from broker.settings import Settings
from broker.store.engine import open_engine
from broker.store.schema import upgrade
from broker.store.unit_of_work import Store
from workers.private import shut, write_secret

if TYPE_CHECKING:
    from collections.abc import Sequence

CHECKOUT = Path(__file__).parents[1] / "seeds"


def first_start(settings: Settings, data: Path, seeds: Path | None) -> None:
    """Prepare a data directory; on later starts only the schema and new seed rows change.

    Writes ``DATA/key`` (mode 600), the first hub's administrator key, and ``DATA/keys/HUB`` for each hub.
    """
    engine = open_engine(settings.database)
    upgrade(engine)
    store = Store(engine, SilentDoorbell())
    load(store, seeds or CHECKOUT)
    keys = Keys(store, settings.secret())
    (data / "keys").mkdir(exist_ok=True, mode=0o700)
    for number, (slug, member) in enumerate(_by_hub(store)):
        path = data / "keys" / slug
        if not path.exists():
            write_secret(path, _new_key(store, keys, member))
        if number == 0 and not (data / "key").exists():
            write_secret(data / "key", path.read_text())
    engine.dispose()


def _by_hub(store: Store) -> list[tuple[str, str]]:
    """(hub, member) of each hub's first administrator, Daejeon's first."""
    with store.read() as work:
        found = work.people.having(Role.ADMIN)
    return sorted(found.items(), key=lambda each: (each[0] != "daejeon", each[0]))


def _new_key(store: Store, keys: Keys, member: str) -> str:
    scopes = sorted(scope.value for scope in SCOPES_OF[Role.ADMIN])
    with store.write() as work:
        _, secret = keys.create(
            work,
            member=member,
            name="first administrator",
            scopes=scopes,
            at=hub_clock(store)(),
            expires_at=None,
            by="first start",
        )
    return secret


def main(arguments: Sequence[str]) -> None:
    """``python -m workers.seeding [--seeds DIR]``: the first start of a hub whose servers are given by settings."""
    parser = argparse.ArgumentParser(prog="python -m workers.seeding", description="Schema, seeds and first keys.")
    parser.add_argument("--seeds", type=Path, default=None, help="directory of seed files (default: the checkout's)")
    settings = Settings()
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    if settings.data.stat().st_uid == os.geteuid():  # a volume that is mounted for us has its own owner and group
        shut(settings.data)
    try:
        first_start(settings, settings.data, parser.parse_args(arguments).seeds)
    except SeedWrong as wrong:
        parser.exit(1, f"seeds: {wrong}; nothing was loaded\n")


if __name__ == "__main__":
    main(sys.argv[1:])
