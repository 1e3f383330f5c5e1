"""Values that are bound to no place are refused, once a rotation of the keys has left none."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    """Add the column; the next rotation sets it."""
    op.add_column("instance", sa.Column("former_refused", sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    """Remove the column."""
    op.drop_column("instance", "former_refused")
