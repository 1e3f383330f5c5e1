"""Merchants: the platform's defaults for new products and resources."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    """Add the column."""
    op.add_column("merchant", sa.Column("defaults", sa.String()))


def downgrade() -> None:
    """Remove the column."""
    op.drop_column("merchant", "defaults")
