"""The audit log, to which entries can only be added."""

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

TABLE = "audit_entry"
CHANGES = ("UPDATE OF merchant, number, at, action", "DELETE")
"""The changes that are refused. The encrypted content is written anew when keys are rotated."""

REFUSAL = "entries of the audit log are neither changed nor deleted"
FUNCTION = "refuse_audit_change"


def upgrade() -> None:
    """Create the table, with triggers that refuse what is not an addition."""
    op.create_table(
        TABLE,
        sa.Column("merchant", sa.String(), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("content", sa.String()),
    )
    for statement in _postgresql_triggers() if _on_postgresql() else _sqlite_triggers():
        op.execute(statement)


def downgrade() -> None:
    """Remove the table."""
    op.drop_table(TABLE)
    if _on_postgresql():
        op.execute(f"DROP FUNCTION {FUNCTION}()")


def _on_postgresql() -> bool:
    return op.get_context().dialect.name == "postgresql"


def _postgresql_triggers() -> Iterator[str]:
    body = f"BEGIN RAISE EXCEPTION '{REFUSAL}'; END"
    yield f"CREATE FUNCTION {FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$"
    for change, unit in ((CHANGES[0], "ROW"), (CHANGES[1], "ROW"), ("TRUNCATE", "STATEMENT")):
        yield f"{_trigger(change)} FOR EACH {unit} EXECUTE FUNCTION {FUNCTION}()"


def _sqlite_triggers() -> Iterator[str]:
    for change in CHANGES:
        yield f"{_trigger(change)} BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"


def _trigger(change: str) -> str:
    return f"CREATE TRIGGER {TABLE}_{change.split(maxsplit=1)[0].lower()} BEFORE {change} ON {TABLE}"
