"""Merchants' choice what is done about drift."""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"


def upgrade() -> None:
    """Add the column."""
    op.add_column("merchant", sa.Column("on_drift", sa.String(), nullable=True))


def downgrade() -> None:
    """Remove the column."""
    op.drop_column("merchant", "on_drift")
