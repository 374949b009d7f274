"""Safe: which key made a key; a line per member, and what a turn is charged."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_LIVE = "due_at IS NOT NULL"
_LATE = f"deadline IS NOT NULL AND {_LIVE}"
_LINES = (
    ("ix_jobs_line", ["device", "state", "member_id", "id"], _LIVE, _LIVE),
    ("ix_jobs_deadline", ["deadline"], _LATE, _LATE),
    ("ix_jobs_cancelled", ["backend"], f"cancel_requested IS true AND {_LIVE}", f"cancel_requested IS 1 AND {_LIVE}"),
)


def upgrade() -> None:
    """Expand."""
    with op.batch_alter_table("api_keys") as batch_op:
        batch_op.add_column(sa.Column("parent_id", sa.String(length=64), nullable=True))
        batch_op.create_foreign_key(op.f("fk_api_keys_parent_id"), "api_keys", ["parent_id"], ["id"])
        batch_op.create_index(batch_op.f("ix_api_keys_parent_id"), ["parent_id"], unique=False)
    # Not in a batch: SQLite would copy the whole table.
    op.add_column("jobs", sa.Column("turn_micros", sa.BigInteger(), server_default="0", nullable=False))
    op.drop_index("ix_jobs_queue", table_name="jobs")
    for name, columns, postgresql, sqlite in _LINES:
        op.create_index(
            name, "jobs", columns, postgresql_where=sa.text(postgresql), sqlite_where=sa.text(sqlite), unique=False
        )


def downgrade() -> None:
    """Contract."""
    for name, *_ in _LINES:
        op.drop_index(name, table_name="jobs")
    op.create_index(
        "ix_jobs_queue",
        "jobs",
        ["device", "state", "project_id", "id"],
        postgresql_where=sa.text("due_at IS NOT NULL"),
        sqlite_where=sa.text("due_at IS NOT NULL"),
        unique=False,
    )
    op.drop_column("jobs", "turn_micros")
    with op.batch_alter_table("api_keys") as batch_op:
        batch_op.drop_index(batch_op.f("ix_api_keys_parent_id"))
        batch_op.drop_constraint(op.f("fk_api_keys_parent_id"), type_="foreignkey")
        batch_op.drop_column("parent_id")
