"""Put and delete events. Each write may be repeated at any time, by any process."""

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
    decide,
    describe_written,
    find_generation,
    is_deleted,
    match_event,
    refresh_written,
)
from slotsync.google.requests import no_heartbeat
from slotsync.google.service import GoogleServices

if TYPE_CHECKING:
    from googleapiclient._apis.calendar.v3 import Event

MAX_DELETE_STEPS = 100
"""More changes than a person makes between a read and a deletion."""

MAX_PUT_STEPS = 1000
"""More generations than people can use up for one event; beyond it something else is wrong."""

FORBIDDEN_STATUS = 403

ID_PLACEHOLDER: "Event" = {"summary": "", "start": {"date": "1970-01-01"}, "end": {"date": "1970-01-02"}}
"""The event that takes an id until it is deleted at once: at a date that nobody looks at."""


def delete(calls: EventCalls, merchant: str, reservation: str, written: WrittenEvent, version: int) -> WrittenEvent:
    """Delete the event and return its state: not present, or kept because it has a newer version.

    Raises:
        Transient: The event changed ``MAX_DELETE_STEPS`` times meanwhile.
    """
    id_ = event_id(merchant, reservation, written.key, written.generation)
    etag = written.etag
    for _ in range(MAX_DELETE_STEPS):
        if _try_delete(calls, id_, etag):
            return mark_deleted(written, version)
        found = calls.get(id_)
        mark = Mark.from_event(found) if found else None
        if found is None or is_deleted(found) or (mark and not mark.matches(merchant, reservation, written.key)):
            return mark_deleted(written, version)
        if mark and mark.version > version:
            return refresh_written(written, mark, found)
        etag = found["etag"]
    raise Transient("the event changes all the time in Google; it is tried again", reason="unsettled")


def delete_generations(
    calls: EventCalls, merchant: str, reservation: str, written: WrittenEvent, version: int
) -> WrittenEvent:
    """Delete every generation of an event of which it is unknown whether it was created, and return its state.

    Raises:
        Transient: The event changes all the time, or no id is free for the placeholder.
    """
    state: WrittenEvent | None = None
    for event in list(calls.list_marked(reservation)):
        found = match_event(merchant, reservation, written, event)
        if found and found.version > version:
            state = found
        elif found:
            state = delete(calls, merchant, reservation, found, version)
    return state or _use_up_id(calls, merchant, reservation, written, version)


def _use_up_id(calls: EventCalls, merchant: str, reservation: str, written: WrittenEvent, version: int) -> WrittenEvent:
    """Use up the event's id and return its state: a creation that Google carries out late fails, as the id is taken."""
    for generation in range(written.generation, written.generation + MAX_DELETE_STEPS):
        taken = written.model_copy(update={"generation": generation})
        id_ = event_id(merchant, reservation, written.key, generation)
        try:
            taken = taken.model_copy(update={"etag": calls.insert({"id": id_, **ID_PLACEHOLDER})["etag"]})
        except Exists:
            found = calls.get(id_)
            if found is None or is_deleted(found):
                continue  # the lost creation found the id taken as well, and used the next generation
            taken = taken.model_copy(update={"etag": found["etag"]})
        return delete(calls, merchant, reservation, taken, version)
    raise Transient("no id is free for the event in Google; it is tried again", reason="unsettled")


def mark_deleted(written: WrittenEvent, version: int) -> WrittenEvent:
    """Return the event as deleted at ``version``, so that no older version restores it."""
    return written.model_copy(update={"present": False, "version": max(written.version, version)})


def _try_delete(calls: EventCalls, id_: str, etag: str) -> bool:
    """Return whether Google confirms the deletion.

    False for an event that Google did not find: the caller reads it once more, since an event left behind stays for
    ever.
    """
    try:
        calls.delete(id_, etag)
    except (Conflict, Gone, NotFound):
        return False
    return True


def put(calls: EventCalls, desired: DesiredEvent, known: WrittenEvent | None) -> WrittenEvent:
    """Write the event and return its state: written, found as desired, or found newer than desired.

    Raises:
        Transient: The event changed ``MAX_PUT_STEPS`` times meanwhile.
    """
    generation, etag = _start(desired, known)
    for _ in range(MAX_PUT_STEPS):
        id_ = event_id(desired.merchant, desired.reservation, desired.key, generation)
        written = _write(calls, id_, desired, etag)
        if written and not is_deleted(written):
            return describe_written(desired, generation, written)
        found = written or calls.get(id_)
        if found is None and etag:
            etag = ""  # the update found no event: a creation with the same id can never make a second one
            continue
        if found is None and (existing := _find_existing(calls, desired)):
            generation, found = existing
        decision = decide(found, desired)
        if isinstance(decision, NextGeneration) or not found:
            generation, etag = generation + 1, ""
        elif isinstance(decision, Update):
            etag = decision.etag
        else:
            return describe_written(desired, generation, found)
    raise Transient("the event keeps changing in Google; it is tried again", reason="unsettled")


def _find_existing(calls: EventCalls, desired: DesiredEvent) -> "tuple[int, Event] | None":
    """Return generation and event if any generation exists: an id that is taken but not found may be one of them."""
    for event in calls.list_marked(desired.reservation):
        generation = find_generation(desired, event)
        if generation is not None:
            return generation, event
    return None


def _start(desired: DesiredEvent, known: WrittenEvent | None) -> tuple[int, str]:
    if known is None or known.calendar_id != desired.calendar_id:
        return 0, ""
    return (known.generation, known.etag) if known.present else (known.generation + 1, "")


def _write(calls: EventCalls, id_: str, desired: DesiredEvent, etag: str) -> "Event | None":
    """Return the event after one write, which may be a tombstone, or None if Google refused the write."""
    body = to_google(desired)
    if etag:
        return _update(calls, id_, body, etag)
    try:
        return calls.insert({"id": id_, **body})
    except Exists:
        return None


def _update(calls: EventCalls, id_: str, body: "Event", etag: str) -> "Event | None":
    try:
        return calls.update(id_, body, etag)
    except (Conflict, Gone):
        return None
    except (QuotaExhausted, RateLimited, ScopeMissing):
        raise
    except GoogleError as error:
        if error.status == FORBIDDEN_STATUS:
            return _get_tombstone(calls, id_, error)
        if isinstance(error, NotFound):
            return None
        raise


def _get_tombstone(calls: EventCalls, id_: str, error: GoogleError) -> "Event | None":
    """Return the tombstone of an event that Google forbids to write because it is deleted; else raise the error."""
    found = calls.get(id_)
    if found and not is_deleted(found):
        raise error
    return found


class GoogleEvents:
    """The events of managed calendars. Every method may be repeated at any time.

    ``heartbeat`` is called before each call to Google.
    """

    def __init__(self, services: GoogleServices, heartbeat: Callable[[], None] = no_heartbeat) -> None:
        self._services = services
        self._heartbeat = heartbeat

    def put_event(self, desired: DesiredEvent, known: WrittenEvent | None) -> WrittenEvent:
        """Write the event and return its state: with one call if ``known`` is right, else with a few.

        The result has a newer version than ``desired`` if a newer one was found; that event is not changed.

        Raises:
            CalendarMissing: The calendar is deleted, or no longer ours.
            GoogleError: Another failure; repeating is safe.
        """
        return put(self._calls(desired.connection_id, desired.calendar_id), desired, known)

    def delete_event(self, merchant: str, reservation: str, written: WrittenEvent, version: int) -> WrittenEvent:
        """Delete the event at ``version`` and return its state; an event with a newer version is kept.

        An empty etag in ``written`` means that it is unknown whether the event was created: it is searched for.

        Raises:
            GoogleError: The deletion failed; repeating is safe. A missing calendar is no failure.
        """
        calls = self._calls(written.connection_id, written.calendar_id)
        try:
            if written.etag:
                return delete(calls, merchant, reservation, written, version)
            return delete_generations(calls, merchant, reservation, written, version)
        except CalendarMissing:
            return mark_deleted(written, version)

    def _calls(self, connection_id: str, calendar_id: str) -> EventCalls:
        return EventCalls(self._services.calendar(connection_id), calendar_id, self._heartbeat)
