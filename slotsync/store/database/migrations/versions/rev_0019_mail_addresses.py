"""Merchants: to which address notices are sent, and with which picture."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"

COLUMNS = ("email", "logo_url")


def upgrade() -> None:
    """Add the columns."""
    for name in COLUMNS:
        op.add_column("merchant", sa.Column(name, sa.String()))


def downgrade() -> None:
    """Remove the columns."""
    for name in COLUMNS:
        op.drop_column("merchant", name)
