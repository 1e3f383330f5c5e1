"""Left events that have to go, and no former errors of events that are right."""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0037"


def upgrade() -> None:
    """Add the column; forget what former versions left in ``last_error``."""
    op.add_column("left_event", sa.Column("owed", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute("UPDATE synced_event SET last_error = NULL WHERE state = 'deleted' AND last_error IS NOT NULL")


def downgrade() -> None:
    """Remove the column."""
    op.drop_column("left_event", "owed")
