"""Refused grants: the last notice that the merchant was sent by e-mail."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Add the column. Notices that were given before are not sent afterwards."""
    op.add_column("connection", sa.Column("mailed", sa.Integer(), nullable=False, server_default="0"))
    op.execute(sa.text("UPDATE connection SET mailed = notices"))


def downgrade() -> None:
    """Remove the column."""
    op.drop_column("connection", "mailed")
