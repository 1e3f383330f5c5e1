"""Rare rows known by an index: stopped, unplanned, with a problem; overdue workflows; workers with their keys."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

INSTANT = sa.DateTime(timezone=True)
OLD_INDEX = "ix_reservation_merchant_stopped_at"
INDEXES = {
    "stopped": (["merchant", "id"], "stopped_at IS NOT NULL"),
    "problem": (["merchant", "id"], "problem IS NOT NULL"),
    "unplanned": (["since"], "planned_version IS NULL OR planned_version <> version"),
}
WORKFLOWS = ("owner", "connection", "watched_product")


def upgrade() -> None:
    """Create the columns, the indexes and the table. Versions that Google shows were planned."""
    op.add_column("watched_product", sa.Column("problem", sa.String()))
    op.add_column("reservation", sa.Column("planned_version", sa.BigInteger()))
    op.execute("UPDATE reservation SET planned_version = settled_version")
    for table in WORKFLOWS:
        op.add_column(table, sa.Column("overdue_since", INSTANT))
    op.drop_index(OLD_INDEX, "reservation")
    for name, (columns, condition) in INDEXES.items():
        where = sa.text(condition)
        op.create_index(f"ix_reservation_{name}", "reservation", columns, sqlite_where=where, postgresql_where=where)
    op.create_table(
        "worker",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("keys", sa.String(), nullable=False),
        sa.Column("seen_at", INSTANT, nullable=False),
    )


def downgrade() -> None:
    """Remove them, and restore the former index."""
    op.drop_table("worker")
    for name in INDEXES:
        op.drop_index(f"ix_reservation_{name}", "reservation")
    op.create_index(OLD_INDEX, "reservation", ["merchant", "stopped_at"])
    for table in WORKFLOWS:
        op.drop_column(table, "overdue_since")
    op.drop_column("reservation", "planned_version")
    op.drop_column("watched_product", "problem")
