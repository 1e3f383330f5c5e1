"""Putting an event into its desired state."""

from typing import TYPE_CHECKING

from slotsync.errors import (
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
from slotsync.google.body import to_google
from slotsync.google.decision import NextGeneration, Update, decide, is_deleted
from slotsync.google.event_calls import EventCalls
from slotsync.google.written import generation_of, written_event
from slotsync.rules.event import DesiredEvent, WrittenEvent
from slotsync.rules.event_id import event_id

if TYPE_CHECKING:
    from googleapiclient._apis.calendar.v3 import Event

FORBIDDEN = 403
SANE_STEPS = 1000
"""More lives than people can take from one event; beyond it something else is wrong."""


def put(calls: EventCalls, desired: DesiredEvent, known: WrittenEvent | None) -> WrittenEvent:
    """The event as it stands afterwards: written, or found as desired, or found newer than desired."""
    generation, etag = _start(desired, known)
    for _ in range(SANE_STEPS):
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
