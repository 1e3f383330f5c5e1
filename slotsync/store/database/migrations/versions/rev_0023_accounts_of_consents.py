"""Consents: the account that was allowed, so that no grant of another merchant on it is ended."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Add the columns."""
    op.add_column("pending_consent", sa.Column("account_key", sa.String()))
    op.add_column("pending_consent", sa.Column("tried_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    """Remove the columns."""
    op.drop_column("pending_consent", "account_key")
    op.drop_column("pending_consent", "tried_at")
