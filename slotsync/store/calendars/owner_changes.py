"""Changes of the rows of products and resources, within a transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, select, update

from slotsync.domain.calendars.choices import Choices, Chooser, change_choices, first_choices, renew_choices
from slotsync.domain.calendars.owner import Owner, OwnerChanges, OwnerKind
from slotsync.errors import InputError
from slotsync.store.calendars.owner_rows import choices_of, columns_of, read_choices
from slotsync.store.database.base import Upsert, table_of
from slotsync.store.merchants import get_defaults
from slotsync.store.tables.calendars import OwnerRow

_TABLE = table_of(OwnerRow)
_ADD = Upsert(_TABLE, lambda insert: insert.on_conflict_do_nothing().returning(_TABLE.c.revision))


@dataclass(frozen=True)
class PutChoices:
    """The choices for an owner before and after a change.

    ``before`` is None if it is new, or was deleted. ``overridden`` are the settings that the platform had changed
    against the merchant's choice before, also of one that was deleted.
    """

    before: Choices | None
    after: Choices
    overridden: frozenset[str] = frozenset()


def put_choices(  # noqa: PLR0913, PLR0917  the owner, and who changes what of it
    connection: Connection,
    merchant: str,
    owner: Owner,
    changes: OwnerChanges,
    chooser: Chooser,
    now: datetime,
    *,
    override: bool,
) -> PutChoices:
    """Record the owner, or change its settings; return what was chosen for it before and now.

    Raises:
        InputError: the owner is new, and has no name.
    """
    row = lock_owner(connection, merchant, owner)
    if row is None:
        first = _named(first_choices(changes, get_defaults(connection, merchant)))
        if _add(connection, merchant, owner, first, now):
            return PutChoices(None, first)
        row = lock_owner(connection, merchant, owner)
        assert row
    before = choices_of(row)
    if before:
        after = change_choices(before, changes, chooser, override=override)
    else:
        defaults = get_defaults(connection, merchant)
        after = _named(renew_choices(read_choices(row), changes, defaults, chooser, override=override))
    _save(connection, row, before, after, now)
    return PutChoices(before, after, read_choices(row).overridden)


def lock_owner(connection: Connection, merchant: str, owner: Owner) -> OwnerRow | None:
    """Return the owner's row, or None if it is unknown. Nobody else changes it until the transaction ends."""
    own = select(_TABLE).where(*is_owner(merchant, owner)).with_for_update()
    found = connection.execute(own).mappings().one_or_none()
    return OwnerRow.model_validate(found) if found else None


def is_owner(merchant: str, owner: Owner) -> Sequence[ColumnElement[bool]]:
    """Return the conditions for the row of the owner."""
    return _TABLE.c.merchant == merchant, _TABLE.c.kind == owner.kind.value, _TABLE.c.id == owner.id


def changed_intent(now: datetime) -> dict[str, object]:
    """Return the values of an owner for which something has changed: it is due, and no longer stopped."""
    return {"revision": _TABLE.c.revision + 1, "due_at": now, "stopped_at": None}


def make_owner_due(connection: Connection, merchant: str, owner: Owner, now: datetime) -> None:
    """Record that the owner's calendar is to be looked at now, unless an operator has stopped that."""
    own = update(_TABLE).where(*is_owner(merchant, owner), _TABLE.c.stopped_at.is_(None))
    connection.execute(own.values(due_at=now))


def mark_unsignalled(connection: Connection, merchant: str, owner: Owner) -> None:
    """Have all open reservations of the owner signalled once more at the revision of now."""
    done = update(_TABLE).where(*is_owner(merchant, owner), _TABLE.c.applied_revision == _TABLE.c.revision)
    connection.execute(done.values(applied_revision=_TABLE.c.revision - 1))


def _add(connection: Connection, merchant: str, owner: Owner, choices: Choices, now: datetime) -> bool:
    """Return whether the owner was added; false if another process was faster."""
    row = {"merchant": merchant, "kind": owner.kind.value, "id": owner.id, "remove_events": False}
    intent = {"revision": 1, "applied_revision": 0, "due_at": now}
    return _ADD.run(connection, **row, **intent, **columns_of(choices)) is not None


def _save(connection: Connection, row: OwnerRow, before: Choices | None, after: Choices, now: datetime) -> None:
    """Record the new choices. The owner is due if settings have changed, but not if only their chooser has."""
    if after == before:
        return
    changed = before is None or after.settings != before.settings
    # Switching on ends the choice to remove events, which is for the time while it is off; other settings keep it.
    removal = {"remove_events": False} if after.settings.sync else {}
    intent = changed_intent(now) if changed else {}
    own = update(_TABLE).where(*is_owner(row.merchant, Owner(kind=OwnerKind(row.kind), id=row.id)))
    connection.execute(own.values({**columns_of(after), "deleted_at": None, **removal, **intent}))


def _named(choices: Choices | None) -> Choices:
    if choices is None:
        raise InputError("name: is missing; give a new product or resource its name")
    return choices
