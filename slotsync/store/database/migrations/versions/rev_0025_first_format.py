"""Events: whether slotsync may have written them before its marks had names of their own."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Add the column; every event that is known by now may have such a mark."""
    op.add_column("synced_event", sa.Column("first_format", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.execute("UPDATE synced_event SET first_format = true")


def downgrade() -> None:
    """Remove the column."""
    op.drop_column("synced_event", "first_format")
