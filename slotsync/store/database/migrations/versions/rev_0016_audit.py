"""The audit log, to which entries can only be added."""

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

TABLE = "audit_entry"
REFUSAL = "entries of the audit log are neither changed nor deleted"
FUNCTION = "refuse_audit_change"

REFUSED = {
    "update": ("UPDATE OF merchant, number, at, action", ""),
    "erase": ("UPDATE OF content", "NEW.content IS NULL"),
    "delete": ("DELETE", ""),
}
"""The changes that are refused, and when. The encrypted content is written anew when keys are rotated."""

TAKEN = "EXISTS (SELECT 1 FROM audit_entry WHERE merchant = NEW.merchant AND number = NEW.number)"
"""SQLite's INSERT OR REPLACE deletes a row without a trigger of its deletion."""


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
    refuse = f"EXECUTE FUNCTION {FUNCTION}()"
    for name, (change, condition) in REFUSED.items():
        when = f"WHEN ({condition}) " if condition else ""
        yield f"{_trigger(name, change)} FOR EACH ROW {when}{refuse}"
    yield f"{_trigger('truncate', 'TRUNCATE')} FOR EACH STATEMENT {refuse}"


def _sqlite_triggers() -> Iterator[str]:
    for name, (change, condition) in {**REFUSED, "replace": ("INSERT", TAKEN)}.items():
        when = f"WHEN {condition} " if condition else ""
        yield f"{_trigger(name, change)} {when}BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"


def _trigger(name: str, change: str) -> str:
    return f"CREATE TRIGGER {TABLE}_{name} BEFORE {change} ON {TABLE}"
