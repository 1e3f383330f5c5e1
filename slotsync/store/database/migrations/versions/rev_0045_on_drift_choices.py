"""Merchants' own choices of what is done about drift, and the platform's changes of these."""

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0043"

COLUMNS = ("on_drift_chosen", "on_drift_overridden")


def upgrade() -> None:
    """Add the columns."""
    for name in COLUMNS:
        op.add_column("merchant", sa.Column(name, sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    """Remove the columns."""
    for name in COLUMNS:
        op.drop_column("merchant", name)
