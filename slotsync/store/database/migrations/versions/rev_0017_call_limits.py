"""Connections: until when the API's calls to Google are paid."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Add the column."""
    op.add_column("connection", sa.Column("calls_paid_until", sa.DateTime(timezone=True)))


def downgrade() -> None:
    """Remove the column."""
    op.drop_column("connection", "calls_paid_until")
