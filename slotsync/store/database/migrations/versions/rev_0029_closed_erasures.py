"""Erasures that wait for Google, while nothing is stored any more of what they erase."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    """Add the column."""
    op.add_column("erasure", sa.Column("deleting", sa.Boolean(), nullable=False, server_default=sa.true()))


def downgrade() -> None:
    """Remove the column."""
    op.drop_column("erasure", "deleting")
