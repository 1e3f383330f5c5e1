"""Deleting an event, and nothing newer than it."""

from typing import TYPE_CHECKING

from slotsync.errors import Conflict, Exists, Gone, NotFound, Transient
from slotsync.google.decision import is_deleted
from slotsync.google.event_calls import EventCalls
from slotsync.google.mark import Mark
from slotsync.google.written import as_found, found_event
from slotsync.rules.event import WrittenEvent
from slotsync.rules.event_id import event_id

if TYPE_CHECKING:
    from googleapiclient._apis.calendar.v3 import Event

SANE_STEPS = 100
"""More changes than anyone makes by hand between a look and a deletion."""


PLACEHOLDER: "Event" = {"summary": "", "start": {"date": "1970-01-01"}, "end": {"date": "1970-01-02"}}
"""What takes an id for the moment until it is deleted: far from what anyone looks at."""


def delete(calls: EventCalls, merchant: str, reservation: str, written: WrittenEvent, version: int) -> WrittenEvent:
    """The event as it stands afterwards: not present, or left because it shows a newer version."""
    place = event_id(merchant, reservation, written.key, written.generation)
    etag = written.etag
    for _ in range(SANE_STEPS):
        if _deleted(calls, place, etag):
            return gone(written, version)
        looked = calls.look(place)
        mark = Mark.on(looked) if looked else None
        if looked is None or is_deleted(looked) or (mark and not mark.is_of(merchant, reservation, written.key)):
            return gone(written, version)
        if mark and mark.version > version:
            return as_found(written, mark, looked)
        etag = looked["etag"]
    raise Transient("the event changes all the time in Google; it is tried again", reason="unsettled")


def delete_all(calls: EventCalls, merchant: str, reservation: str, place: WrittenEvent, version: int) -> WrittenEvent:
    """The same for an event of which nobody knows whether it was created: every life of it is searched for."""
    left: WrittenEvent | None = None
    for event in list(calls.marked(reservation)):
        found = found_event(merchant, reservation, place, event)
        if found and found.version > version:
            left = found
        elif found:
            left = delete(calls, merchant, reservation, found, version)
    return left or _take_id(calls, merchant, reservation, place, version)


def _take_id(calls: EventCalls, merchant: str, reservation: str, place: WrittenEvent, version: int) -> WrittenEvent:
    """The place, with its id used up: a creation that Google carries out late finds it taken, and makes nothing."""
    for generation in range(place.generation, place.generation + SANE_STEPS):
        taken = place.model_copy(update={"generation": generation})
        name = event_id(merchant, reservation, place.key, generation)
        try:
            taken = taken.model_copy(update={"etag": calls.insert({"id": name, **PLACEHOLDER})["etag"]})
        except Exists:
            looked = calls.look(name)
            if looked is None or is_deleted(looked):
                continue  # the lost creation met the same, and went on to the next generation
            taken = taken.model_copy(update={"etag": looked["etag"]})
        return delete(calls, merchant, reservation, taken, version)
    raise Transient("no id is free for the event in Google; it is tried again", reason="unsettled")


def gone(written: WrittenEvent, version: int) -> WrittenEvent:
    """The same event after its deletion, which ``version`` asked for: nothing older may bring it back."""
    return written.model_copy(update={"present": False, "version": max(written.version, version)})


def _deleted(calls: EventCalls, place: str, etag: str) -> bool:
    """Whether Google says so; one that it did not find is looked for, since an event that stays behind is for good."""
    try:
        calls.delete(place, etag)
    except (Conflict, Gone, NotFound):
        return False
    return True
