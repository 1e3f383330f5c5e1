"""Choices: which settings merchants have chosen themselves, and what the platform has overridden or deleted."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add the columns. Of what is stored it is unknown who has chosen it, so it counts as the platform's."""
    for name in ("chosen", "overridden"):
        op.add_column("owner", sa.Column(name, sa.String()))
    op.add_column("owner", sa.Column("deleted_at", sa.DateTime(timezone=True)))
    for name in ("sync_chosen", "sync_overridden"):
        op.add_column("merchant", sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    """Remove the columns."""
    for name in ("sync_overridden", "sync_chosen"):
        op.drop_column("merchant", name)
    for name in ("deleted_at", "overridden", "chosen"):
        op.drop_column("owner", name)
