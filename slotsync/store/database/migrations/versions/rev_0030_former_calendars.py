"""Former calendars: of which account a calendar is that a product or resource had before."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "former_calendar",
        sa.Column("merchant", sa.String(), primary_key=True),
        sa.Column("calendar_id", sa.String(), primary_key=True),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("kind", "owner_id", "account_key")),
        sa.ForeignKeyConstraint(["merchant", "kind", "owner_id"], ["owner.merchant", "owner.kind", "owner.id"]),
    )


def downgrade() -> None:
    """Remove the table."""
    op.drop_table("former_calendar")
