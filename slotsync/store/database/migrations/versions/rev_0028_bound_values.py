"""Values that are bound to no place are refused, once a rotation of the keys has left none.

An entry of the audit log is written anew only by that rotation, and so once at most.
"""

import sqlalchemy as sa
from alembic import op

from slotsync.store.database.migrations.versions.rev_0016_audit import FUNCTION, REFUSAL, TABLE

revision = "0028"
down_revision = "0027"

ROTATED = "substr(OLD.content, 1, 3) <> 'v1.' AND substr(NEW.content, 1, 3) = 'v1.'"
"""The content was encrypted by the ring itself, and is encrypted with a data key now."""


def upgrade() -> None:
    """Add the column, which the next rotation sets; let triggers refuse every other change of a content."""
    op.add_column("instance", sa.Column("former_refused", sa.Boolean(), server_default=sa.false(), nullable=False))
    _drop("erase")
    _create("content", f"({ROTATED}) IS NOT TRUE")


def downgrade() -> None:
    """Remove the column, and let contents be changed as before."""
    _drop("content")
    _create("erase", "NEW.content IS NULL")
    op.drop_column("instance", "former_refused")


def _drop(name: str) -> None:
    op.execute(f"DROP TRIGGER {TABLE}_{name}" + (f" ON {TABLE}" if _on_postgresql() else ""))


def _create(name: str, refused: str) -> None:
    trigger = f"CREATE TRIGGER {TABLE}_{name} BEFORE UPDATE OF content ON {TABLE}"
    if _on_postgresql():
        op.execute(f"{trigger} FOR EACH ROW WHEN ({refused}) EXECUTE FUNCTION {FUNCTION}()")
    else:
        op.execute(f"{trigger} WHEN {refused} BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END")


def _on_postgresql() -> bool:
    return op.get_context().dialect.name == "postgresql"
