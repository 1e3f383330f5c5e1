"""When a calendar is busy."""

from datetime import datetime

from slotsync.sandbox.event_book import EventBook
from slotsync.sandbox.json_types import as_list, as_object
from slotsync.sandbox.stored import StoredCalendar, StoredEvent

_NEVER_BUSY = frozenset({"workingLocation", "birthday"})

Slot = tuple[datetime, datetime]


def busy_times(book: EventBook, calendar: StoredCalendar, start: datetime, end: datetime) -> list[Slot]:
    """The busy times within [start, end), overlapping and touching ones merged."""
    occurring = book.occurring(start, end, calendar.time_zone)
    events = (event for event in occurring if is_busy(event, calendar.owner))
    return merged_slots([(max(event.start, start), min(event.end, end)) for event in events])


def is_busy(event: StoredEvent, owner: str) -> bool:
    """Whether the event takes the owner's time."""
    return not (
        event.cancelled
        or event.start == event.end
        or event.body.get("transparency") == "transparent"
        or event.body.get("eventType") in _NEVER_BUSY
        or _declined(event, owner)
    )


def merged_slots(slots: list[Slot]) -> list[Slot]:
    """The same times in as few slots as possible; ``slots`` are in the order of their starts."""
    merged: list[Slot] = []
    for start, end in slots:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _declined(event: StoredEvent, owner: str) -> bool:
    guests = map(as_object, as_list(event.body.get("attendees")))
    return any(guest.get("email") == owner and guest.get("responseStatus") == "declined" for guest in guests)
