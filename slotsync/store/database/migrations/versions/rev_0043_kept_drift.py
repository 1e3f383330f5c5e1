"""The version and the shape of what has drifted: an answer holds for these."""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"


def upgrade() -> None:
    """Add the columns. What was kept before is asked about once more, since nobody knows what it was."""
    op.add_column("drift", sa.Column("version", sa.BigInteger(), nullable=True))
    op.add_column("drift", sa.Column("shape", sa.String(), nullable=True))


def downgrade() -> None:
    """Remove them."""
    op.drop_column("drift", "shape")
    op.drop_column("drift", "version")
