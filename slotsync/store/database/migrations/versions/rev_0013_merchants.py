"""Merchants: the name, the language and the return address that the platform says."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

COLUMNS = ("name", "language", "return_url")


def upgrade() -> None:
    """Add the columns."""
    for name in COLUMNS:
        op.add_column("merchant", sa.Column(name, sa.String()))


def downgrade() -> None:
    """Remove the columns."""
    for name in reversed(COLUMNS):
        op.drop_column("merchant", name)
