"""Revocations at Google that are under way, or were a short time ago."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0032"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "account_revocation",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account_key", sa.String(), nullable=True),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_account_revocation"),
    )


def downgrade() -> None:
    """Remove the table."""
    op.drop_table("account_revocation")
