"""Pending consents, the account's key, and the lease for refreshing the token."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the columns and the table."""
    for column in (
        sa.Column("account_key", sa.String()),
        sa.Column("lease_holder", sa.String()),
        sa.Column("lease_until", INSTANT),
    ):
        op.add_column("connection", column)
    op.create_table(
        "pending_consent",
        sa.Column("key_hash", sa.String(), primary_key=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("merchant", sa.String(), sa.ForeignKey("merchant.id"), nullable=False),
        sa.Column("browser_hash", sa.String(), nullable=False),
        sa.Column("secret", sa.String()),
        sa.Column("expires_at", INSTANT, nullable=False),
    )
    op.create_index(None, "pending_consent", ["expires_at"])


def downgrade() -> None:
    """Remove the columns and the table."""
    op.drop_table("pending_consent")
    for column in ("lease_until", "lease_holder", "account_key"):
        op.drop_column("connection", column)
