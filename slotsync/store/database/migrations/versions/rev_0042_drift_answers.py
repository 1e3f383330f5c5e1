"""Answers to drift that is asked about."""

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"


def upgrade() -> None:
    """Add the column."""
    op.add_column("drift", sa.Column("answer", sa.String(), nullable=True))


def downgrade() -> None:
    """Remove the column."""
    op.drop_column("drift", "answer")
