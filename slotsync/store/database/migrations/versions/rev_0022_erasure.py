"""Reservations with dropped contents, and erasures."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Add the column, and the table."""
    op.add_column("reservation", sa.Column("reduced", sa.String()))
    op.create_table(
        "erasure",
        sa.Column("merchant", sa.String(), nullable=False),
        sa.Column("reservation", sa.String(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("repeat_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("counts", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("merchant", "reservation", name="pk_erasure"),
    )


def downgrade() -> None:
    """Remove both."""
    op.drop_table("erasure")
    op.drop_column("reservation", "reduced")
