"""Messages to the platform that are kept after they were accepted, with the attempts to deliver them."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"

_ORDER = ("merchant", "product", "number", "place")
_FORMER_INDEX = "ix_webhook_message_merchant_product_number_place"
_WAITING = sa.text("state = 'waiting'")
_WHERE: dict[str, Any] = {"sqlite_where": _WAITING, "postgresql_where": _WAITING}
_COLUMNS = ("type", "state", "settled_at", "attempts", "last_status")


def upgrade() -> None:
    """Add the columns, and the table of the attempts; what is there waits."""
    op.add_column("webhook_message", sa.Column("type", sa.String()))
    op.add_column("webhook_message", sa.Column("state", sa.String(), nullable=False, server_default="waiting"))
    op.add_column("webhook_message", sa.Column("settled_at", sa.DateTime(timezone=True)))
    op.add_column("webhook_message", sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("webhook_message", sa.Column("last_status", sa.Integer()))
    with op.batch_alter_table("webhook_message") as batch:
        batch.alter_column("due_at", existing_type=sa.DateTime(timezone=True), nullable=True)
    op.drop_index(_FORMER_INDEX, "webhook_message")
    op.create_index("ix_webhook_message_waiting", "webhook_message", [*_ORDER], **_WHERE)
    op.create_index("ix_webhook_message_waiting_since", "webhook_message", ["created_at"], **_WHERE)
    op.create_index("ix_webhook_message_merchant_created_at_id", "webhook_message", ["merchant", "created_at", "id"])
    op.create_index("ix_webhook_message_settled_at", "webhook_message", ["settled_at"])
    op.create_table(
        "webhook_attempt",
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("duration_ms", sa.Integer(), nullable=False),
        sa.Column("status", sa.Integer()),
        sa.Column("failure", sa.String()),
        sa.Column("answer", sa.String()),
        sa.PrimaryKeyConstraint("message", "number", name="pk_webhook_attempt"),
        sa.ForeignKeyConstraint(
            ["message"], ["webhook_message.id"], name="fk_webhook_attempt_message", ondelete="CASCADE"
        ),
    )


def downgrade() -> None:
    """Remove both; messages that were accepted are deleted, since a former version would send them again."""
    op.drop_table("webhook_attempt")
    op.execute("DELETE FROM webhook_message WHERE state != 'waiting'")
    for name in ("waiting", "waiting_since", "merchant_created_at_id", "settled_at"):
        op.drop_index(f"ix_webhook_message_{name}", "webhook_message")
    with op.batch_alter_table("webhook_message") as batch:
        batch.alter_column("due_at", existing_type=sa.DateTime(timezone=True), nullable=False)
        for name in _COLUMNS:
            batch.drop_column(name)
    op.create_index(_FORMER_INDEX, "webhook_message", [*_ORDER])
