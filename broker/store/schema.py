"""Which version of the tables is there? Alembic, run from inside, over one connection."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from broker.store.engine import WRITE
from broker.store.tables import metadata

if TYPE_CHECKING:
    from typing import Any

    from sqlalchemy import Engine
    from sqlalchemy.engine import Connection

UPGRADE_LOCK = 0x71736D67


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring the tables up; processes that start together wait for each other.

    Those of the next release are left as they are: whoever goes back to this one starts it on them.
    """
    with engine.execution_options(**{WRITE: True}).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": UPGRADE_LOCK})
        if not _of_the_next_release(connection):
            command.upgrade(_config(connection), revision)


def downgrade(engine: Engine, revision: str = "base") -> None:
    """Take the tables down again."""
    with engine.execution_options(**{WRITE: True}).begin() as connection:
        command.downgrade(_config(connection), revision)


def back(engine: Engine) -> str:
    """Take this release's own step away, for the release before; the revision that is left.

    Raises:
        RuntimeError: the tables are not this release's, or there was none before.
    """
    with engine.execution_options(**{WRITE: True}).begin() as connection:
        config = _config(connection)
        script = ScriptDirectory.from_config(config).get_revision(_newest(connection))
        if _current(connection) != {script.revision} or not isinstance(script.down_revision, str):
            raise RuntimeError("there is no step of this release to take away")
        command.downgrade(config, script.down_revision)
        return script.down_revision


def differences(engine: Engine) -> list[Any]:
    """What the migrated schema and the tables of the code disagree on; empty when all is well."""
    with engine.connect() as connection:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))


def is_current(engine: Engine) -> bool:
    """Whether this release can work on the tables: they are its own, or those of the next one, which only grew."""
    with engine.connect() as connection:
        return _current(connection) == {_newest(connection)} or _of_the_next_release(connection)


def _of_the_next_release(connection: Connection) -> bool:
    # Revisions are numbers, one for each release: two steps on, what this release needs may have been taken away.
    return _current(connection) == {f"{int(_newest(connection)) + 1:04}"}


def _current(connection: Connection) -> set[str]:
    return set(MigrationContext.configure(connection).get_current_heads())


def _newest(connection: Connection) -> str:
    (head,) = ScriptDirectory.from_config(_config(connection)).get_heads()
    return head
