"""Safe: which key made a key; what a vendor bills for an attempt, and since when it must not be sent."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Expand."""
    with op.batch_alter_table("api_keys") as batch_op:
        batch_op.add_column(sa.Column("parent_id", sa.String(length=64), nullable=True))
        batch_op.create_foreign_key(op.f("fk_api_keys_parent_id"), "api_keys", ["parent_id"], ["id"])
        batch_op.create_index(batch_op.f("ix_api_keys_parent_id"), ["parent_id"], unique=False)
    with op.batch_alter_table("attempts") as batch_op:
        batch_op.add_column(sa.Column("unwanted_at", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("usage", sa.Text(), nullable=True))


def downgrade() -> None:
    """Contract."""
    with op.batch_alter_table("attempts") as batch_op:
        batch_op.drop_column("usage")
        batch_op.drop_column("unwanted_at")
    with op.batch_alter_table("api_keys") as batch_op:
        batch_op.drop_index(batch_op.f("ix_api_keys_parent_id"))
        batch_op.drop_constraint(op.f("fk_api_keys_parent_id"), type_="foreignkey")
        batch_op.drop_column("parent_id")
