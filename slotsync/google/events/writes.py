"""Put and delete events: each may be repeated at any time, from anywhere."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from slotsync.domain.reservations.event import DesiredEvent, WrittenEvent, event_id
from slotsync.errors import (
    CalendarMissing,
    Conflict,
    Exists,
    Gone,
    GoogleError,
    NotFound,
    QuotaExhausted,
    RateLimited,
    ScopeMissing,
    Transient,
)
from slotsync.google.events.body import Mark, to_google
from slotsync.google.events.calls import EventCalls
from slotsync.google.events.decision import (
    NextGeneration,
    Update,
    as_found,
    decide,
    found_event,
    generation_of,
    is_deleted,
    written_event,
)
from slotsync.google.service import GoogleServices

if TYPE_CHECKING:
    from googleapiclient._apis.calendar.v3 import Event

MAX_DELETE_STEPS = 100
"""More changes than anyone makes by hand between a look and a deletion."""


PLACEHOLDER: "Event" = {"summary": "", "start": {"date": "1970-01-01"}, "end": {"date": "1970-01-02"}}
"""What takes an id for the moment until it is deleted: far from what anyone looks at."""


def delete(calls: EventCalls, merchant: str, reservation: str, written: WrittenEvent, version: int) -> WrittenEvent:
    """The event as it stands afterwards: not present, or left because it shows a newer version."""
    place = event_id(merchant, reservation, written.key, written.generation)
    etag = written.etag
    for _ in range(MAX_DELETE_STEPS):
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
    for generation in range(place.generation, place.generation + MAX_DELETE_STEPS):
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


FORBIDDEN = 403
MAX_PUT_STEPS = 1000
"""More lives than people can take from one event; beyond it something else is wrong."""


def put(calls: EventCalls, desired: DesiredEvent, known: WrittenEvent | None) -> WrittenEvent:
    """The event as it stands afterwards: written, or found as desired, or found newer than desired."""
    generation, etag = _start(desired, known)
    for _ in range(MAX_PUT_STEPS):
        place = event_id(desired.merchant, desired.reservation, desired.key, generation)
        seen = _write(calls, place, desired, etag)
        if seen and not is_deleted(seen):
            return written_event(desired, generation, seen)
        looked = seen or calls.look(place)
        if looked is None and etag:
            etag = ""  # an update that found nothing: under the same id, a creation can never make a second one
            continue
        if looked is None and (living := _living(calls, desired)):
            generation, looked = living
        decision = decide(looked, desired)
        if isinstance(decision, NextGeneration) or not looked:
            generation, etag = generation + 1, ""
        elif isinstance(decision, Update):
            etag = decision.etag
        else:
            return written_event(desired, generation, looked)
    raise Transient("the event does not come to rest in Google; it is tried again", reason="unsettled")


def _living(calls: EventCalls, desired: DesiredEvent) -> "tuple[int, Event] | None":
    """The living event of this place, in whatever generation: an id that is taken and yet not found may still be."""
    for event in calls.marked(desired.reservation):
        generation = generation_of(desired, event)
        if generation is not None:
            return generation, event
    return None


def _start(desired: DesiredEvent, known: WrittenEvent | None) -> tuple[int, str]:
    if known is None or known.calendar_id != desired.calendar_id:
        return 0, ""
    return (known.generation, known.etag) if known.present else (known.generation + 1, "")


def _write(calls: EventCalls, place: str, desired: DesiredEvent, etag: str) -> "Event | None":
    """The event after one write, which may be a tombstone; nothing when the write was refused."""
    body = to_google(desired)
    if etag:
        return _update(calls, place, body, etag)
    try:
        return calls.insert({"id": place, **body})
    except Exists:
        return None


def _update(calls: EventCalls, place: str, body: "Event", etag: str) -> "Event | None":
    try:
        return calls.update(place, body, etag)
    except (Conflict, Gone):
        return None
    except (QuotaExhausted, RateLimited, ScopeMissing):
        raise
    except GoogleError as error:
        if error.status == FORBIDDEN:
            return _tombstone(calls, place, error)
        if isinstance(error, NotFound):
            return None
        raise


def _tombstone(calls: EventCalls, place: str, error: GoogleError) -> "Event | None":
    """What is left of an event that Google forbids to write because it is deleted; else the error itself."""
    looked = calls.look(place)
    if looked and not is_deleted(looked):
        raise error
    return looked


def no_heartbeat() -> None:
    """Tells nobody."""


class GoogleEvents:
    """Writes and deletes the events of managed calendars. Every method may be repeated at any time.

    ``heartbeat`` is called before each call to Google.
    """

    def __init__(self, services: GoogleServices, heartbeat: Callable[[], None] = no_heartbeat) -> None:
        self._services = services
        self._heartbeat = heartbeat

    def put_event(self, desired: DesiredEvent, known: WrittenEvent | None) -> WrittenEvent:
        """The event as it stands now: as desired, by one call when ``known`` is right and by a few when it is not.

        What comes back has a newer version than ``desired`` when a newer one was found; that one is left as it is.
        """
        return put(self._calls(desired.connection_id, desired.calendar_id), desired, known)

    def delete_event(self, merchant: str, reservation: str, written: WrittenEvent, version: int) -> WrittenEvent:
        """The event after its deletion, which ``version`` asks for; an event that shows a newer one is left.

        An empty etag in ``written`` means that nobody knows whether the event was created: it is searched for.
        """
        calls = self._calls(written.connection_id, written.calendar_id)
        try:
            if written.etag:
                return delete(calls, merchant, reservation, written, version)
            return delete_all(calls, merchant, reservation, written, version)
        except CalendarMissing:
            return gone(written, version)

    def _calls(self, connection_id: str, calendar_id: str) -> EventCalls:
        return EventCalls(self._services.calendar(connection_id), calendar_id, self._heartbeat)
