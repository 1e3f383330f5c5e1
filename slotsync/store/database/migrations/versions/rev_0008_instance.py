"""The instance: which database this is, and the keys of its contents."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Create the table; its row is written by the first process that uses the database."""
    op.create_table(
        "instance",
        sa.Column("place", sa.Integer(), primary_key=True),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("sentinel", sa.String()),
        sa.Column("worker_keys", sa.String()),
    )


def downgrade() -> None:
    """Remove the table."""
    op.drop_table("instance")
