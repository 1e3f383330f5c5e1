"""Unkept grants: given while their merchants were erased, and kept by themselves until Google has ended them."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "unkept_grant",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("secret", sa.String()),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tried_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_unkept_grant"),
    )


def downgrade() -> None:
    """Remove the table; the grants live on until their owners end them."""
    op.drop_table("unkept_grant")
