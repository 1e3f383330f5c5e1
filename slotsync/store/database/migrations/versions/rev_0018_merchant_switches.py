"""Switches of whole merchants, and how far they are carried out."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

INSTANT = sa.DateTime(timezone=True)
NUMBERS = ("revision", "applied_revision", "to_signal", "signalled")


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "merchant_switch",
        sa.Column("merchant", sa.String(), sa.ForeignKey("merchant.id"), primary_key=True),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in NUMBERS),
        sa.Column("due_at", INSTANT, index=True),
        sa.Column("overdue_since", INSTANT),
        sa.Column("stopped_at", INSTANT),
        sa.Column("problem", sa.String()),
    )


def downgrade() -> None:
    """Remove the table."""
    op.drop_table("merchant_switch")
