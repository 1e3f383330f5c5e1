"""The instance (which database this is, and the keys of its contents), and connections that operators stop."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Create the table, of which the first process that uses the database writes the row; add the column."""
    op.add_column("connection", sa.Column("stopped_at", sa.DateTime(timezone=True)))
    op.create_table(
        "instance",
        sa.Column("place", sa.Integer(), primary_key=True),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("sentinel", sa.String()),
        sa.Column("worker_keys", sa.String()),
    )


def downgrade() -> None:
    """Remove the table and the column."""
    op.drop_table("instance")
    op.drop_column("connection", "stopped_at")
