"""Booked times: conflicts of merchants who have disconnected are forgotten; they say when these were busy."""

from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    """Forget them; a later disconnection does so by itself."""
    # Its choice is carried out and forgotten once a disconnection is done.
    done = "SELECT merchant FROM connection WHERE state = 'disconnected' AND disconnect_choice IS NULL"
    op.execute(f"UPDATE booked_time SET conflict_since = NULL WHERE merchant IN ({done})")  # noqa: S608  no input in it


def downgrade() -> None:
    """Leave them forgotten."""
