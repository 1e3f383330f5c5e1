"""Drift: what a managed calendar shows otherwise than slotsync has written it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from slotsync.domain.messages import Message
from slotsync.domain.reservations.event import EventKey, WrittenEvent


class DriftKind(StrEnum):
    """The kinds of drift: seven of an event, and three of a whole calendar.

    ``moved``: to another time. ``restored``: slotsync had deleted it, or another generation of it. ``duplicated``: more
    than one generation of it stands. ``orphan``: it has our mark, and slotsync does not know that it wrote it.
    """

    DELETED = "deleted"
    MOVED = "moved"
    MOVED_TO_CALENDAR = "moved_to_calendar"
    CHANGED = "changed"
    RESTORED = "restored"
    DUPLICATED = "duplicated"
    ORPHAN = "orphan"
    CALENDAR_RENAMED = "calendar_renamed"
    CALENDAR_DELETED = "calendar_deleted"
    ACCESS_LOWERED = "access_lowered"


class DriftAction(StrEnum):
    """The actions on drift: it is put right again, only reported, or somebody has to say what is to be done."""

    REPAIR = "repair"
    REPORT = "report"
    ASK = "ask"


class DriftAnswer(StrEnum):
    """The answers to what is asked: keep what people did to this event, or put ours back.

    What is kept stays until the platform reports the event otherwise than it was written, or people change it further.
    """

    KEEP = "keep"
    REPAIR = "repair"


MAX_REPAIRS: Final = 3
REPAIRS_COUNTED_FOR: Final = timedelta(days=7)
"""An event that was repaired so often in this time is only reported: somebody's program puts it back each time."""

TIME_FIELDS: Final = frozenset({"start", "end"})

Place = tuple[str, EventKey]
"""An event's reservation, and its key within that."""


class Drift(Message):
    """The drift of a reservation's event, or without one of a whole calendar; ``fields`` are ours that differ.

    ``version`` is the one that was written, and ``shape`` a hash of what people made of it, None if that is not known.
    """

    kind: DriftKind
    reservation: str | None = None
    key: EventKey | None = None
    fields: tuple[str, ...] = ()
    version: int | None = None
    shape: str | None = None


@dataclass(frozen=True)
class FoundEvent:
    """An event with our mark as Google shows it, or its tombstone: then it is not ``present``.

    ``changed`` are those of our fields that differ from what its reservation wants.
    """

    written: WrittenEvent
    changed: Collection[str] = ()


def find_drift(
    place: Place, known: WrittenEvent | None, found: Sequence[FoundEvent], calendar_id: str, *, complete: bool
) -> Drift | None:
    """Return how an event has drifted, by all that was found of it in this calendar; None if it has not.

    ``known`` is what slotsync has written, None if that is nothing. What is being written is no drift: the write mends
    it. With ``complete`` all of the calendar was listed, else only what has changed since the last time.
    """
    live = [each for each in found if each.written.present]
    if known is None:
        return _drift(place, DriftKind.ORPHAN) if live else None
    if known.present and not (known.fingerprint and known.etag):
        return None
    if known.present and known.calendar_id == calendar_id:
        return _find_in_place(place, known, found, live, complete=complete)
    kind = DriftKind.MOVED_TO_CALENDAR if known.present else DriftKind.RESTORED
    return _drift(place, kind) if live else None


def _find_in_place(
    place: Place, known: WrittenEvent, found: Sequence[FoundEvent], live: Sequence[FoundEvent], *, complete: bool
) -> Drift | None:
    """Return how an event has drifted that should stand in this calendar."""
    gone = any(not each.written.present and each.written.generation == known.generation for each in found)
    if not live:
        return _drift(place, DriftKind.DELETED) if gone or complete else None
    if any(each.written.version > known.version for each in live):
        return None  # newer than what is stored, which is of before: the platform reports it again
    current = [each for each in live if each.written.generation == known.generation]
    if len(live) > len(current):
        return _drift(place, DriftKind.RESTORED if gone or (complete and not current) else DriftKind.DUPLICATED)
    (event,) = current
    if not event.changed:
        return None
    moved = TIME_FIELDS.issuperset(event.changed)
    return _drift(place, DriftKind.MOVED if moved else DriftKind.CHANGED, event.changed)


def _drift(place: Place, kind: DriftKind, fields: Collection[str] = ()) -> Drift:
    return Drift(kind=kind, reservation=place[0], key=place[1], fields=tuple(fields))
