"""Refused grants: how often a refusal was told."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add the column. A grant that was refused before counts as told: its tokens are gone."""
    op.add_column("connection", sa.Column("notices", sa.Integer(), nullable=False, server_default="0"))
    op.execute(sa.text("UPDATE connection SET notices = 5 WHERE state = 'revoked'"))


def downgrade() -> None:
    """Remove the column."""
    op.drop_column("connection", "notices")
