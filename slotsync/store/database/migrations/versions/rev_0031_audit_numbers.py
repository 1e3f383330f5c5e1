"""Numbers of the audit log: an entry that would leave a gap is refused, so that none takes the last number of all."""

from alembic import op

from slotsync.store.database.migrations.versions.rev_0016_audit import REFUSAL, TABLE

revision = "0031"
down_revision = "0029"

NAME = f"{TABLE}_gap"
FUNCTION = "refuse_audit_gap"
GAP_REFUSAL = f"{REFUSAL}, and added in the order of their numbers only"

BEFORE = "SELECT 1 FROM audit_entry WHERE merchant = NEW.merchant AND number = NEW.number - 1"
GAP = f"NEW.number <> 1 AND NOT EXISTS ({BEFORE})"
"""The entry before is not there. Whether the number itself is taken, the primary key says."""


def upgrade() -> None:
    """Add the trigger. Entries that are there stay as they are."""
    if _on_postgresql():
        # A condition of a trigger may not ask the table.
        body = f"BEGIN IF {GAP} THEN RAISE EXCEPTION '{GAP_REFUSAL}'; END IF; RETURN NEW; END"
        op.execute(f"CREATE FUNCTION {FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$")
        op.execute(f"CREATE TRIGGER {NAME} BEFORE INSERT ON {TABLE} FOR EACH ROW EXECUTE FUNCTION {FUNCTION}()")
    else:
        refuse = f"SELECT RAISE(ABORT, '{GAP_REFUSAL}')"
        op.execute(f"CREATE TRIGGER {NAME} BEFORE INSERT ON {TABLE} WHEN {GAP} BEGIN {refuse}; END")


def downgrade() -> None:
    """Remove the trigger."""
    op.execute(f"DROP TRIGGER {NAME}" + (f" ON {TABLE}" if _on_postgresql() else ""))
    if _on_postgresql():
        op.execute(f"DROP FUNCTION {FUNCTION}()")


def _on_postgresql() -> bool:
    return op.get_context().dialect.name == "postgresql"
