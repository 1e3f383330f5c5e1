"""Revocations at Google that are under way, or were a short time ago; consents that may connect one account only."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0033"


def upgrade() -> None:
    """Add the table, and the column."""
    op.create_table(
        "account_revocation",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account_key", sa.String(), nullable=True),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_account_revocation"),
    )
    same: sa.Column[bool] = sa.Column("same_account", sa.Boolean(), nullable=False, server_default=sa.false())
    op.add_column("pending_consent", same)


def downgrade() -> None:
    """Remove both."""
    op.drop_column("pending_consent", "same_account")
    op.drop_table("account_revocation")
