"""Left events: what stands in calendars that are out of reach."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "left_event",
        *(sa.Column(name, sa.String(), primary_key=True) for name in ("merchant", "reservation", "item", "kind")),
        sa.Column("owner_id", sa.String(), primary_key=True),
        sa.Column("calendar_id", sa.String(), primary_key=True),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("duplicates_in", sa.String(), nullable=False),
        sa.Column("missing", sa.Boolean(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_left_event_merchant_kind_owner_id", "left_event", ["merchant", "kind", "owner_id"])


def downgrade() -> None:
    """Remove the table."""
    op.drop_table("left_event")
