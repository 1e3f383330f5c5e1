"""Rows of products and resources: their settings, and what of them the merchant has chosen."""

from dataclasses import dataclass
from datetime import datetime

from slotsync.domain.audit import AuditAction, AuditChange, AuditValues, describe_change
from slotsync.domain.calendars.choices import (
    Choices,
    to_text,
)
from slotsync.domain.calendars.owner import GuestData, Owner, OwnerKind, OwnerSettings
from slotsync.store.tables.calendars import OwnerRow

SYNC_ON = "sync=on"
"""Stands in the row of a deleted owner, which is off, for ``sync`` if the merchant had chosen that to be on."""


@dataclass(frozen=True)
class OwnerIntent:
    """The progress of carrying out an owner's settings.

    Its open reservations were signalled up to ``applied_revision`` of ``revision``; in the last signalling
    ``signalled`` of ``to_signal``, which is None before the first.
    """

    revision: int
    applied_revision: int
    to_signal: int | None
    signalled: int
    due_at: datetime | None
    stopped_at: datetime | None


def columns_of(choices: Choices) -> dict[str, object]:
    """Return the values of a row with these choices."""
    names = {"chosen": to_text(choices.chosen), "overridden": to_text(choices.overridden)}
    return choices.settings.model_dump(mode="json") | names


def choices_of(row: OwnerRow) -> Choices | None:
    """Return what is chosen for the owner in a row, or None if it was deleted."""
    return None if row.deleted_at else read_choices(row)


def read_choices(row: OwnerRow) -> Choices:
    """Return what is, or was, chosen for the owner in a row, also for a deleted one."""
    settings = settings_of(row)
    chosen, overridden = (frozenset((names or "").split()) for names in (row.chosen, row.overridden))
    if SYNC_ON in chosen:
        chosen, settings = chosen - {SYNC_ON} | {"sync"}, settings.model_copy(update={"sync": True})
    return Choices.model_construct(settings=settings, chosen=chosen, overridden=overridden)


def keep_chosen_on(row: OwnerRow) -> str:
    """Return what to keep of the merchant's choices in the row of an owner that is being deleted, and so turned off."""
    chosen = (row.chosen or "").split()
    return to_text({SYNC_ON if name == "sync" and row.sync else name for name in chosen})


def settings_of(row: OwnerRow) -> OwnerSettings:
    """Return the settings in a row. What is stored is read as it is: limits of today are not checked anew."""
    return OwnerSettings.model_construct(
        name=row.name,
        time_zone=row.time_zone,
        sync=row.sync,
        guest_data=GuestData(row.guest_data),
        on_unknown=row.on_unknown,
        pad_before_minutes=row.pad_before_minutes,
        pad_after_minutes=row.pad_after_minutes,
        free_calendars_needed=row.free_calendars_needed,
    )


def describe_switch(row: OwnerRow, switched: AuditValues, choices: Choices) -> AuditChange | None:
    """Return the change of an owner that is switched, None if it was that way before."""
    subject = str(Owner(kind=OwnerKind(row.kind), id=row.id))
    before: AuditValues = {"sync": row.sync, "remove_events": row.remove_events}
    overridden = choices.overridden - frozenset((row.overridden or "").split())
    return describe_change(AuditAction.SETTINGS_CHANGED, subject, before, switched, tuple(sorted(overridden)))
