"""Blocking calendars, the choice for unknown times, and used links."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the tables and the choice; unknown times block, as before."""
    op.add_column("owner", sa.Column("on_unknown", sa.String(), nullable=False, server_default="block"))
    op.create_table(
        "blocking_calendar",
        sa.Column("merchant", sa.String(), primary_key=True),
        sa.Column("kind", sa.String(), primary_key=True),
        sa.Column("owner_id", sa.String(), primary_key=True),
        sa.Column("place", sa.Integer(), primary_key=True),
        sa.Column("calendar_id", sa.String()),
        sa.Column("name", sa.String()),
        sa.ForeignKeyConstraint(["merchant", "kind", "owner_id"], ["owner.merchant", "owner.kind", "owner.id"]),
    )
    op.create_table(
        "used_link",
        sa.Column("link_hash", sa.String(), primary_key=True),
        sa.Column("expires_at", INSTANT, nullable=False),
    )
    op.create_index("ix_used_link_expires_at", "used_link", ["expires_at"])


def downgrade() -> None:
    """Remove the tables and the choice."""
    op.drop_table("used_link")
    op.drop_table("blocking_calendar")
    op.drop_column("owner", "on_unknown")
