"""Safe: who made a key and what it may spend; what a vendor bills for an attempt; the hub's time."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Expand."""
    _keys()
    _attempts()
    _clocks()


def downgrade() -> None:
    """Contract."""
    op.drop_table("clocks")
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


def _keys_back() -> None:
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


def _clocks() -> None:
    op.create_table(
        "clocks",
        sa.Column("boot", sa.String(length=64), nullable=False),
        sa.Column("hub", sa.BigInteger(), nullable=False),
        sa.Column("uptime", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("boot", name=op.f("pk_clocks")),
    )
