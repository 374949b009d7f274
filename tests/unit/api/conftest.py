"""A gateway in this process, over real databases."""

from tests.support.databases import (  # noqa: F401  fixtures
    bell,
    database_url,
    file_store,
    migrated_file,
    postgres,
    postgres_url,
    sqlite_url,
    store,
)
from tests.support.rooms import both, furnished, furnished_file, gateway, limited  # noqa: F401  fixtures
