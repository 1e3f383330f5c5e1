"""Data keys: one for each merchant. Until they are rotated, a database that is used goes on without.

Disconnected merchants' accounts are forgotten.
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    """Create the table; processes of the former version may use an instance that is there."""
    op.create_table(
        "data_key",
        sa.Column("merchant", sa.String(), primary_key=True),
        sa.Column("id", sa.String(), nullable=False, unique=True),
        sa.Column("ring_key", sa.String(), nullable=False),
        sa.Column("wrapped", sa.String(), nullable=False),
    )
    op.add_column("instance", sa.Column("former_encryption", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.execute("UPDATE instance SET former_encryption = true")
    # What disconnects later forgets it by itself.
    op.execute("UPDATE connection SET account_key = NULL WHERE state = 'disconnected' AND refresh_token IS NULL")


def downgrade() -> None:
    """Remove the table and the column; what is encrypted with data keys is lost."""
    op.drop_column("instance", "former_encryption")
    op.drop_table("data_key")
