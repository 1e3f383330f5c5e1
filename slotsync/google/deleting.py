"""Deleting an event, and nothing newer than it."""

from slotsync.errors import Conflict, Gone, NotFound, Transient
from slotsync.google.decision import is_deleted
from slotsync.google.event_calls import EventCalls
from slotsync.google.mark import Mark
from slotsync.google.written import as_found, found_event
from slotsync.rules.event import WrittenEvent
from slotsync.rules.event_id import event_id

SANE_STEPS = 100
"""More changes than anyone makes by hand between a look and a deletion."""


def delete(calls: EventCalls, merchant: str, reservation: str, written: WrittenEvent, version: int) -> WrittenEvent:
    """The event as it stands afterwards: not present, or left because it shows a newer version."""
    place = event_id(merchant, reservation, written.key, written.generation)
    etag = written.etag
    for _ in range(SANE_STEPS):
        if _deleted(calls, place, etag):
            return gone(written)
        looked = calls.look(place)
        mark = Mark.on(looked) if looked else None
        if looked is None or is_deleted(looked) or (mark and not mark.is_of(merchant, reservation, written.key)):
            return gone(written)
        if mark and mark.version > version:
            return as_found(written, mark, looked)
        etag = looked["etag"]
    raise Transient("the event changes all the time in Google; it is tried again", reason="unsettled")


def delete_all(calls: EventCalls, merchant: str, reservation: str, place: WrittenEvent, version: int) -> WrittenEvent:
    """The same for an event of which nobody knows whether it was created: every life of it is searched for."""
    left = gone(place)
    for event in list(calls.marked(reservation)):
        found = found_event(merchant, reservation, place, event)
        if found and found.version > version:
            left = found
        elif found:
            left = delete(calls, merchant, reservation, found, version)
    return left


def gone(written: WrittenEvent) -> WrittenEvent:
    """The same event after its deletion."""
    return written.model_copy(update={"present": False})


def _deleted(calls: EventCalls, place: str, etag: str) -> bool:
    """Whether Google says so; one that it did not find is looked for, since an event that stays behind is for good."""
    try:
        calls.delete(place, etag)
    except (Conflict, Gone, NotFound):
        return False
    return True
