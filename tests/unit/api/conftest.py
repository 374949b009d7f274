"""Both databases, for every repository."""

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
