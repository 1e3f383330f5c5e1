"""Questions of ``confirm``, which do not cross Temporal's border any more. No answer is readable without a key."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"


def upgrade() -> None:
    """Add the column; forget the plain answers, which showed busy times in the order of questions."""
    op.add_column("confirmation", sa.Column("question", sa.String(), nullable=True))
    op.execute("UPDATE confirmation SET answer = ''")


def downgrade() -> None:
    """Remove the column."""
    op.drop_column("confirmation", "question")
