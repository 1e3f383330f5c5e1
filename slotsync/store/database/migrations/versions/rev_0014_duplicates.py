"""Events: the calendars in which other generations of them were seen."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Add the column."""
    op.add_column("synced_event", sa.Column("duplicates_in", sa.String()))


def downgrade() -> None:
    """Remove the column."""
    op.drop_column("synced_event", "duplicates_in")
