"""Money: prices of components, rows that are withdrawn, charges of jobs, and counters of tiers."""

import sqlalchemy as sa
from alembic import op


def upgrade() -> None:
    """Expand."""
    op.add_column("prices", sa.Column("terms", sa.Text(), nullable=True))
    op.add_column("prices", sa.Column("withdrawn", sa.Boolean(), nullable=False, server_default=sa.text("false")))
    _charges()
    _counters()


def downgrade() -> None:
    """Contract."""
    op.drop_table("tier_holds")
    op.drop_table("counters")
    op.drop_table("charges")
    # The release before would read four noughts and take these for free; without a row it refuses the device instead.
    op.execute("DELETE FROM prices WHERE terms IS NOT NULL")
    op.drop_column("prices", "withdrawn")
    op.drop_column("prices", "terms")


def _charges() -> None:
    op.create_table(
        "charges",
        sa.Column("job_id", sa.String(length=64), nullable=False),
        sa.Column("hub_id", sa.String(length=64), nullable=False),
        sa.Column("organisation_id", sa.String(length=64), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("member_id", sa.String(length=64), nullable=False),
        sa.Column("device", sa.String(length=256), nullable=False),
        sa.Column("backend", sa.String(length=256), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("remote_id", sa.String(length=256), nullable=True),
        sa.Column("usage", sa.Text(), nullable=True),
        sa.Column("components", sa.Text(), nullable=False),
        sa.Column("price_id", sa.String(length=64), nullable=False),
        sa.Column("rate_id", sa.String(length=64), nullable=True),
        sa.Column("contract_currency", sa.String(length=3), nullable=False),
        sa.Column("contract", sa.BigInteger(), nullable=False),
        sa.Column("list_currency", sa.String(length=3), nullable=False),
        sa.Column("listed", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("billed", sa.BigInteger(), nullable=False),
        sa.Column("loss", sa.BigInteger(), nullable=False),
        sa.Column("counter", sa.String(length=256), nullable=True),
        sa.Column("month", sa.String(length=7), nullable=True),
        sa.Column("counted_from", sa.BigInteger(), nullable=True),
        sa.Column("counted", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=False),
        sa.Column("booked_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_charges")),
    )
    op.create_index(op.f("ix_charges_organisation_id"), "charges", ["organisation_id"], unique=False)
    op.create_index(op.f("ix_charges_booked_at"), "charges", ["booked_at"], unique=False)


def _counters() -> None:
    op.create_table(
        "counters",
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", "month", name=op.f("pk_counters")),
    )
    op.create_table(
        "tier_holds",
        sa.Column("job_id", sa.String(length=64), nullable=False),
        sa.Column("counter", sa.String(length=256), nullable=False),
        sa.Column("counts", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_tier_holds")),
    )
    op.create_index(op.f("ix_tier_holds_counter"), "tier_holds", ["counter"], unique=False)
