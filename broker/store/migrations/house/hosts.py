"""More than one machine: hosts of local runs, and whose each run is."""

import sqlalchemy as sa
from alembic import op

_LIVE = "due_at IS NOT NULL"


def upgrade() -> None:
    """Expand."""
    # Not in a batch: SQLite would copy the whole table.
    op.add_column("jobs", sa.Column("host", sa.String(length=64), nullable=True))
    op.add_column("attempts", sa.Column("host", sa.String(length=64), nullable=True))
    _due(["backend", "state", "due_at", "host"])
    op.create_table(
        "hosts",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("machine", sa.String(length=256), nullable=False),
        sa.Column("boot", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=256), nullable=False),
        sa.Column("joined_at", sa.BigInteger(), nullable=False),
        sa.Column("beat_at", sa.BigInteger(), nullable=False),
        sa.Column("cores", sa.Integer(), nullable=False),
        sa.Column("free_cores", sa.Integer(), nullable=False),
        sa.Column("memory_bytes", sa.BigInteger(), nullable=False),
        sa.Column("free_memory_bytes", sa.BigInteger(), nullable=False),
        sa.Column("devices", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hosts")),
    )


def downgrade() -> None:
    """Contract."""
    op.drop_table("hosts")
    _due(["backend", "state", "due_at"])
    op.drop_column("attempts", "host")
    op.drop_column("jobs", "host")


def _due(columns: list[str]) -> None:
    op.drop_index("ix_jobs_due", table_name="jobs")
    where = sa.text(_LIVE)
    op.create_index("ix_jobs_due", "jobs", columns, postgresql_where=where, sqlite_where=where, unique=False)
