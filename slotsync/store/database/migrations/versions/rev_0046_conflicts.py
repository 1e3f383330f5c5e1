"""Conflicts of bookings with busy times, also those that are over."""

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0045"


def upgrade() -> None:
    """Add the table, and what conflicts now."""
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "conflict",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("merchant", sa.String(), nullable=False),
        sa.Column("product", sa.String(), nullable=False),
        sa.Column("reservation", sa.String(), nullable=False),
        sa.Column("item", sa.String(), nullable=False),
        sa.Column("starts_at", instant, nullable=False),
        sa.Column("ends_at", instant, nullable=False),
        sa.Column("found_at", instant, nullable=False),
        sa.Column("resolved_at", instant, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_conflict"),
    )
    for columns in (("found_at", "id"), ("reservation", "item")):
        op.create_index(f"ix_conflict_merchant_{'_'.join(columns)}", "conflict", ["merchant", *columns])
    op.create_index("ix_conflict_ends_at", "conflict", ["ends_at"])
    copied = "merchant, product, reservation, item, starts_at, ends_at"
    new_id = "lower(hex(randomblob(16)))" if op.get_bind().dialect.name == "sqlite" else "md5(random()::text)"
    op.execute(
        f"INSERT INTO conflict (id, {copied}, found_at) SELECT {new_id}, {copied}, conflict_since"  # noqa: S608
        " FROM booked_time WHERE conflict_since IS NOT NULL"
    )


def downgrade() -> None:
    """Remove the table."""
    op.drop_table("conflict")
