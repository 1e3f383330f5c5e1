"""Rows that are rare: indexes of what operators have stopped and of what cannot go on, also of products."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

OLD_INDEX = "ix_reservation_merchant_stopped_at"
COLUMNS = ("stopped_at", "problem")


def upgrade() -> None:
    """Create the indexes, and add the column."""
    op.add_column("watched_product", sa.Column("problem", sa.String()))
    op.drop_index(OLD_INDEX, "reservation")
    for name, column in zip(("stopped", "problem"), COLUMNS, strict=True):
        where = sa.text(f"{column} IS NOT NULL")
        op.create_index(
            f"ix_reservation_{name}", "reservation", ["merchant", "id"], sqlite_where=where, postgresql_where=where
        )


def downgrade() -> None:
    """Remove them, and restore the former index."""
    for name in ("stopped", "problem"):
        op.drop_index(f"ix_reservation_{name}", "reservation")
    op.create_index(OLD_INDEX, "reservation", ["merchant", "stopped_at"])
    op.drop_column("watched_product", "problem")
