"""Safe: makers and limits of keys, bills of attempts, lines of members, walls, breakers, and the hub's time."""

import time

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_LONGEST_LINE = 16  # as when this was written (domain/keychain.py)
_LIVE = "due_at IS NOT NULL"
_LATE = f"deadline IS NOT NULL AND {_LIVE}"
_ATTENDED = f"state = 'attention' AND {_LIVE}"
_UNHELD = f"held != quoted AND {_LIVE}"
_LINES = (
    ("ix_jobs_line", ["device", "state", "member_id", "id"], _LIVE, _LIVE),
    ("ix_jobs_deadline", ["deadline"], _LATE, _LATE),
    ("ix_jobs_cancelled", ["backend"], f"cancel_requested IS true AND {_LIVE}", f"cancel_requested IS 1 AND {_LIVE}"),
    ("ix_jobs_unheld", ["backend"], _UNHELD, _UNHELD),
    ("ix_jobs_attention", ["hub_id", "id"], _ATTENDED, _ATTENDED),
)


def upgrade() -> None:
    """Expand."""
    _keys()
    _attempts()
    _lines()
    _walls()
    _trouble()
    _clocks()


def downgrade() -> None:
    """Contract."""
    op.drop_table("clocks")
    op.drop_table("spoiled")
    op.drop_table("breakers")
    op.drop_table("walls")
    _lines_back()
    _attempts_back()
    _keys_back()


def _keys() -> None:
    with op.batch_alter_table("api_keys") as batch_op:
        batch_op.add_column(sa.Column("parent_id", sa.String(length=64), nullable=True))
        batch_op.create_foreign_key(op.f("fk_api_keys_parent_id"), "api_keys", ["parent_id"], ["id"])
        batch_op.add_column(sa.Column("budget_id", sa.String(length=64), nullable=True))
        batch_op.create_foreign_key(op.f("fk_api_keys_budget_id"), "budgets", ["budget_id"], ["id"])
        batch_op.create_index(batch_op.f("ix_api_keys_parent_id"), ["parent_id"], unique=False)
    # Keys that may change anything could always make others; readers could too, and no longer can.
    op.execute(
        "UPDATE api_keys SET scopes = replace(scopes, ']', ',\"keys:self\"]') "
        "WHERE scopes LIKE '%\"jobs:write\"%' OR scopes LIKE '%\"ops\"%'"
    )


def _bounds_written_down() -> None:
    """The release before knows no makers: what they leave of a key is written on it, and a limited key ends.

    Otherwise going back would bring to life what hung on an ended key, and take every limit away.
    """
    maker = "(SELECT maker.{0} FROM api_keys AS maker WHERE maker.id = api_keys.parent_id)"
    ends, budget = maker.format("expires_at"), maker.format("budget_id")
    for _ in range(_LONGEST_LINE):
        op.execute(f"UPDATE api_keys SET revoked_at = {maker.format('revoked_at')} WHERE revoked_at IS NULL")  # noqa: S608  names of ours
        op.execute(f"UPDATE api_keys SET expires_at = {ends} WHERE expires_at IS NULL OR expires_at > {ends}")  # noqa: S608  names of ours
        op.execute(f"UPDATE api_keys SET budget_id = {budget} WHERE budget_id IS NULL")  # noqa: S608  names of ours
    now = int(time.time() * 1_000_000)
    op.execute(f"UPDATE api_keys SET revoked_at = {now} WHERE revoked_at IS NULL AND budget_id IS NOT NULL")  # noqa: S608  a number


def _keys_back() -> None:
    _bounds_written_down()
    op.execute("UPDATE api_keys SET scopes = replace(scopes, ',\"keys:self\"', '')")
    with op.batch_alter_table("api_keys") as batch_op:
        batch_op.drop_index(batch_op.f("ix_api_keys_parent_id"))
        batch_op.drop_constraint(op.f("fk_api_keys_budget_id"), type_="foreignkey")
        batch_op.drop_column("budget_id")
        batch_op.drop_constraint(op.f("fk_api_keys_parent_id"), type_="foreignkey")
        batch_op.drop_column("parent_id")


def _attempts() -> None:
    with op.batch_alter_table("attempts") as batch_op:
        batch_op.add_column(sa.Column("unwanted_at", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("usage", sa.Text(), nullable=True))


def _attempts_back() -> None:
    with op.batch_alter_table("attempts") as batch_op:
        batch_op.drop_column("usage")
        batch_op.drop_column("unwanted_at")


def _lines() -> None:
    # Not in a batch: SQLite would copy the whole table.
    op.add_column("jobs", sa.Column("turn_micros", sa.BigInteger(), server_default="0", nullable=False))
    op.drop_index("ix_jobs_queue", table_name="jobs")
    # A list is one project's: it read the jobs of the whole organisation to find a page of them.
    op.drop_index("ix_jobs_organisation", table_name="jobs")
    op.create_index("ix_jobs_project", "jobs", ["organisation_id", "project_id", "id"], unique=False)
    for name, columns, postgresql, sqlite in _LINES:
        op.create_index(
            name, "jobs", columns, postgresql_where=sa.text(postgresql), sqlite_where=sa.text(sqlite), unique=False
        )


def _lines_back() -> None:
    for name, *_ in _LINES:
        op.drop_index(name, table_name="jobs")
    op.drop_index("ix_jobs_project", table_name="jobs")
    op.create_index("ix_jobs_organisation", "jobs", ["organisation_id", "id"], unique=False)
    op.create_index(
        "ix_jobs_queue",
        "jobs",
        ["device", "state", "project_id", "id"],
        postgresql_where=sa.text("due_at IS NOT NULL"),
        sqlite_where=sa.text("due_at IS NOT NULL"),
        unique=False,
    )
    op.drop_column("jobs", "turn_micros")


def _walls() -> None:
    op.create_table(
        "walls",
        sa.Column("machine", sa.String(length=256), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("stands", sa.BigInteger(), nullable=False),
        sa.Column("means", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("machine", "name", name=op.f("pk_walls")),
    )


def _trouble() -> None:
    op.create_table(
        "breakers",
        sa.Column("scope", sa.String(length=256), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("trips", sa.Integer(), nullable=False),
        sa.Column("open_until", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("probing", sa.Boolean(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("scope", name=op.f("pk_breakers")),
    )
    op.create_table(
        "spoiled",
        sa.Column("place", sa.String(length=256), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("place", name=op.f("pk_spoiled")),
    )


def _clocks() -> None:
    op.create_table(
        "clocks",
        sa.Column("boot", sa.String(length=64), nullable=False),
        sa.Column("hub", sa.BigInteger(), nullable=False),
        sa.Column("uptime", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("boot", name=op.f("pk_clocks")),
    )
