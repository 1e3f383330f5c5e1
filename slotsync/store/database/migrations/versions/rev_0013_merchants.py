"""Merchants: the name, the language and the return address that the platform says, and the end of visits."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

COLUMNS = ("name", "language", "return_url")


def upgrade() -> None:
    """Add the columns."""
    for name in COLUMNS:
        op.add_column("merchant", sa.Column(name, sa.String()))
    op.add_column("merchant", sa.Column("visits_ended_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    """Remove the columns."""
    op.drop_column("merchant", "visits_ended_at")
    for name in reversed(COLUMNS):
        op.drop_column("merchant", name)
