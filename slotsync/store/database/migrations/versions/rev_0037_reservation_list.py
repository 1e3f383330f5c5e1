"""An index for the list of reservations by when they were last reported."""

from alembic import op

revision = "0037"
down_revision = "0036"

_INDEX = "ix_reservation_merchant_since_id"


def upgrade() -> None:
    """Add the index."""
    op.create_index(_INDEX, "reservation", ["merchant", "since", "id"])


def downgrade() -> None:
    """Remove it."""
    op.drop_index(_INDEX, "reservation")
