"""Availability's intent: watched products, subscribers, confirmations, and the order of messages to the platform."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

INSTANT = sa.DateTime(timezone=True)
TABLES = ("watched_product", "subscriber", "confirmation")
NUMBERS = ("number", "place")
ORDER = "ix_webhook_message_merchant_product_number_place"


def upgrade() -> None:
    """Create the tables, and add the columns of messages. Messages without an order are of no installation."""
    op.create_table(
        "watched_product",
        sa.Column("merchant", sa.String(), sa.ForeignKey("merchant.id"), primary_key=True),
        sa.Column("product", sa.String(), primary_key=True),
        sa.Column("due_at", INSTANT, index=True),
        sa.Column("stopped_at", INSTANT),
    )
    op.create_table(
        "subscriber",
        sa.Column("merchant", sa.String(), sa.ForeignKey("merchant.id"), primary_key=True),
        sa.Column("product", sa.String(), primary_key=True),
        sa.Column("workflow_id", sa.String(), primary_key=True),
        sa.Column("number", sa.Integer(), nullable=False),
    )
    op.create_table(
        "confirmation",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("merchant", sa.String(), sa.ForeignKey("merchant.id"), nullable=False, index=True),
        sa.Column("product", sa.String(), nullable=False),
        sa.Column("answer", sa.String(), nullable=False),
        sa.Column("checked_at", INSTANT, nullable=False),
        sa.Column("evidence", sa.String()),
    )
    op.execute("DELETE FROM webhook_message")
    with op.batch_alter_table("webhook_message") as batch:
        batch.add_column(sa.Column("product", sa.String(), nullable=False))
        for name in NUMBERS:
            batch.add_column(sa.Column(name, sa.Integer(), nullable=False))
        batch.add_column(sa.Column("attempted_at", INSTANT))
        batch.add_column(sa.Column("due_at", INSTANT, nullable=False))
    op.create_index(ORDER, "webhook_message", ["merchant", "product", *NUMBERS])
    op.create_index("ix_webhook_message_due_at", "webhook_message", ["due_at"])


def downgrade() -> None:
    """Remove the tables and columns."""
    op.drop_index("ix_webhook_message_due_at", "webhook_message")
    op.drop_index(ORDER, "webhook_message")
    with op.batch_alter_table("webhook_message") as batch:
        for name in ("due_at", "attempted_at", *NUMBERS, "product"):
            batch.drop_column(name)
    for name in reversed(TABLES):
        op.drop_table(name)
