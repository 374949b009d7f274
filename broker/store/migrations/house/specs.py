"""Specs: what a device is made of, stored once per version; its row points to the present one."""

import sqlalchemy as sa
from alembic import op


def upgrade() -> None:
    """Expand."""
    op.create_table(
        "specs",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("device", sa.String(length=256), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_specs")),
    )
    op.create_index(op.f("ix_specs_device"), "specs", ["device"], unique=False)
    # Not in a batch: SQLite would copy the whole table.
    op.add_column("devices", sa.Column("specs", sa.String(length=64), nullable=True))


def downgrade() -> None:
    """Contract."""
    op.drop_column("devices", "specs")
    op.drop_index(op.f("ix_specs_device"), table_name="specs")
    op.drop_table("specs")
