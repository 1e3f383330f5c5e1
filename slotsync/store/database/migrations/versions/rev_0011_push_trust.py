"""Push channels: a hash of the address, the first notification, and since when they are doubted."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the columns. The address of channels that exist is unknown, so they are opened anew."""
    op.add_column("push_channel", sa.Column("address_hash", sa.String()))
    for name in ("heard_at", "doubted_at"):
        op.add_column("push_channel", sa.Column(name, INSTANT))


def downgrade() -> None:
    """Remove the columns."""
    for name in ("doubted_at", "heard_at", "address_hash"):
        op.drop_column("push_channel", name)
