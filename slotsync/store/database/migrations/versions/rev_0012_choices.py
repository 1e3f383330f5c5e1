"""Choices of merchants, what the platform overrides or deletes, and what it says of merchants."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

TEXTS = {"owner": ("chosen", "overridden"), "merchant": ("name", "language", "return_url")}
INSTANTS = {"owner": "deleted_at", "merchant": "visits_ended_at"}
FLAGS = ("sync_chosen", "sync_overridden")


def upgrade() -> None:
    """Add the columns. Of what is stored it is unknown who has chosen it, so it counts as the platform's."""
    for table, names in TEXTS.items():
        for name in names:
            op.add_column(table, sa.Column(name, sa.String()))
        op.add_column(table, sa.Column(INSTANTS[table], sa.DateTime(timezone=True)))
    for name in FLAGS:
        op.add_column("merchant", sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    """Remove the columns."""
    for name in FLAGS:
        op.drop_column("merchant", name)
    for table, names in TEXTS.items():
        for name in (INSTANTS[table], *names):
            op.drop_column(table, name)
