"""Keeping: snapshots in parts that they share, and packed decisions."""

import json
import zlib

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0002"
branch_labels = None
depends_on = None

_BATCH = 200


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
    op.add_column("decisions", sa.Column("packed", sa.LargeBinary(), nullable=True))
    op.create_index(op.f("ix_decisions_snapshot_id"), "decisions", ["snapshot_id"], unique=False)


def downgrade() -> None:
    """Contract, with every text whole again: a decision is not lost because somebody goes back."""
    connection = op.get_bind()
    _snapshots_back(connection)
    _decisions_back(connection)
    op.drop_index(op.f("ix_decisions_snapshot_id"), table_name="decisions")
    op.drop_column("decisions", "packed")
    op.drop_table("cut_snapshots")
    op.drop_table("parts")


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
