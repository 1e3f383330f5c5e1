"""Reservations: when they start, so that those that start soonest go on first."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Add the column. It is filled when a reservation is reported or planned; until then its end counts."""
    op.add_column("reservation", sa.Column("starts_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    """Remove the column."""
    op.drop_column("reservation", "starts_at")
