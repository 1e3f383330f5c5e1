"""Reservations' snapshots, when they are due, who stopped them, and the number of a merchant's grant."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

INSTANT = sa.DateTime(timezone=True)
TEXTS = ("snapshot", "content_hash", "problem")
TIMES = ("due_at", "stopped_at")
INDEXES = {"ix_reservation_due_at": ["due_at"], "ix_reservation_merchant_stopped_at": ["merchant", "stopped_at"]}


def upgrade() -> None:
    """Add the columns and indexes."""
    for name in TEXTS:
        op.add_column("reservation", sa.Column(name, sa.String()))
    for name in TIMES:
        op.add_column("reservation", sa.Column(name, INSTANT))
    for name, columns in INDEXES.items():
        op.create_index(name, "reservation", columns)
    op.add_column("connection", sa.Column("grant_number", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    """Remove the columns and indexes."""
    op.drop_column("connection", "grant_number")
    for name in INDEXES:
        op.drop_index(name, "reservation")
    for name in (*TEXTS, *TIMES):
        op.drop_column("reservation", name)
