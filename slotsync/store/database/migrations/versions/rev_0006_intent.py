"""Intent: reservations' snapshots, revisions of owners, the number of a merchant's grant, and when each is due."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

INSTANT = sa.DateTime(timezone=True)
TEXTS = ("snapshot", "content_hash", "problem")
TIMES = ("due_at", "stopped_at")
COUNTS = ("revision", "applied_revision", "signalled")
SHOWN = ("shown_name", "shown_zone")
INDEXES = {"ix_reservation_due_at": ["due_at"], "ix_reservation_merchant_stopped_at": ["merchant", "stopped_at"]}


def upgrade() -> None:
    """Add the columns and indexes."""
    for name in TEXTS:
        op.add_column("reservation", sa.Column(name, sa.String()))
    for name in TIMES:
        op.add_column("reservation", sa.Column(name, INSTANT))
    for name, columns in INDEXES.items():
        op.create_index(name, "reservation", columns)
    for name in COUNTS:
        op.add_column("owner", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
    op.add_column("owner", sa.Column("to_signal", sa.Integer()))
    op.add_column("owner", sa.Column("problem", sa.String()))
    for name in TIMES:
        op.add_column("owner", sa.Column(name, INSTANT))
    op.create_index("ix_owner_due_at", "owner", ["due_at"])
    for name in SHOWN:
        op.add_column("managed_calendar", sa.Column(name, sa.String()))
    for name in ("grant_number", "served_grant"):
        op.add_column("connection", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
    op.add_column("connection", sa.Column("resume_all", sa.Boolean(), nullable=False, server_default=sa.false()))
    for name in ("disconnect_choice", "problem"):
        op.add_column("connection", sa.Column(name, sa.String()))
    op.add_column("connection", sa.Column("due_at", INSTANT))
    op.create_index("ix_connection_due_at", "connection", ["due_at"])


def downgrade() -> None:
    """Remove the columns and indexes."""
    op.drop_index("ix_connection_due_at", "connection")
    for name in ("grant_number", "served_grant", "resume_all", "disconnect_choice", "problem", "due_at"):
        op.drop_column("connection", name)
    for name in SHOWN:
        op.drop_column("managed_calendar", name)
    op.drop_index("ix_owner_due_at", "owner")
    for name in (*COUNTS, *TIMES, "to_signal", "problem"):
        op.drop_column("owner", name)
    for name in INDEXES:
        op.drop_index(name, "reservation")
    for name in (*TEXTS, *TIMES):
        op.drop_column("reservation", name)
