"""House: one revision for the whole release, so that the release before can be gone back to in one step."""

from broker.store.migrations.house import hosts, keeping, money, specs

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

PARTS = (money, specs, keeping, hosts)


def upgrade() -> None:
    """Expand, part by part."""
    for part in PARTS:
        part.upgrade()


def downgrade() -> None:
    """The other way round."""
    for part in reversed(PARTS):
        part.downgrade()
