"""Keeping: snapshots in parts that they share, packed decisions, stored counts, and retention."""

import json
import zlib

import sqlalchemy as sa
from alembic import op

_BATCH = 200
_ENDED = (("ix_jobs_ended_program", "program"), ("ix_jobs_ended_decision", "decision_id"))
_LEFT = sa.text("due_at IS NULL")


def upgrade() -> None:
    """Expand. Rows of before stay where they are and are read there."""
    op.create_table(
        "parts",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("packed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_parts")),
    )
    op.create_table(
        "cut_snapshots",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("packed", sa.LargeBinary(), nullable=False),
        sa.Column("parts", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cut_snapshots")),
    )
    op.create_table(
        "counts",
        sa.Column("edition", sa.String(length=8), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("edition", "name", name=op.f("pk_counts")),
    )
    op.add_column("decisions", sa.Column("packed", sa.LargeBinary(), nullable=True))
    op.create_index(op.f("ix_decisions_snapshot_id"), "decisions", ["snapshot_id"], unique=False)
    _retention()


def downgrade() -> None:
    """Contract, with every text whole again: a decision is not lost because somebody goes back.

    What retention has removed stays removed, and nobody can say any more under which rule.
    """
    connection = op.get_bind()
    _retention_back()
    _snapshots_back(connection)
    _decisions_back(connection)
    op.drop_index(op.f("ix_decisions_snapshot_id"), table_name="decisions")
    op.drop_column("decisions", "packed")
    op.drop_table("counts")
    op.drop_table("cut_snapshots")
    op.drop_table("parts")


def _retention() -> None:
    op.add_column("programs", sa.Column("removed_at", sa.BigInteger(), nullable=True))
    op.add_column("results", sa.Column("removed_at", sa.BigInteger(), nullable=True))
    op.create_table(
        "retention",
        sa.Column("hub_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("done", sa.String(length=64), nullable=False),
        sa.Column("removed", sa.BigInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["hub_id"], ["hubs.id"], name=op.f("fk_retention_hub_id")),
        sa.PrimaryKeyConstraint("hub_id", "kind", name=op.f("pk_retention")),
    )
    op.create_table(
        "legal_holds",
        sa.Column("subject", sa.String(length=16), nullable=False),
        sa.Column("subject_id", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subject", "subject_id", name=op.f("pk_legal_holds")),
    )
    op.create_table(
        "removals",
        sa.Column("job_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_removals_job_id")),
        sa.PrimaryKeyConstraint("job_id", "kind", name=op.f("pk_removals")),
    )
    for name, column in _ENDED:
        op.create_index(name, "jobs", [column], unique=False, postgresql_where=_LEFT, sqlite_where=_LEFT)


def _retention_back() -> None:
    for name, _ in _ENDED:
        op.drop_index(name, table_name="jobs", postgresql_where=_LEFT, sqlite_where=_LEFT)
    for table in ("removals", "legal_holds", "retention"):
        op.drop_table(table)
    for table in ("results", "programs"):
        op.drop_column(table, "removed_at")


def _snapshots_back(connection: sa.Connection) -> None:
    last = ""
    query = sa.text("SELECT id, packed, parts FROM cut_snapshots WHERE id > :last ORDER BY id LIMIT :most")
    while rows := connection.execute(query, {"last": last, "most": _BATCH}).all():
        last = rows[-1].id
        whole = [{"id": row.id, "body": _whole(connection, row.packed, row.parts)} for row in rows]
        connection.execute(
            sa.text("INSERT INTO snapshots (id, body) VALUES (:id, :body) ON CONFLICT DO NOTHING"), whole
        )


def _whole(connection: sa.Connection, packed: bytes, listed: str) -> str:
    turns = []
    for own, name in zip(json.loads(_unpacked(packed)), [*json.loads(_part(connection, listed)), None], strict=True):
        turns += [own, "" if name is None else _part(connection, name)]
    return "".join(turns)


def _part(connection: sa.Connection, name: str) -> str:
    query = sa.text("SELECT packed FROM parts WHERE sha256 = :name")
    return _unpacked(connection.execute(query, {"name": name}).scalar_one())


def _decisions_back(connection: sa.Connection) -> None:
    query = sa.text("SELECT id, packed FROM decisions WHERE packed IS NOT NULL LIMIT :most")
    back = sa.text("UPDATE decisions SET body = :body, packed = NULL WHERE id = :id")
    while rows := connection.execute(query, {"most": _BATCH}).all():
        connection.execute(back, [{"id": row.id, "body": _unpacked(row.packed)} for row in rows])


def _unpacked(packed: bytes) -> str:
    return zlib.decompress(packed).decode()
