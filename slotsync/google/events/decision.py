"""Decide how to write an event, from what was found in Google under its id."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING

from slotsync.domain.calendars.owner import Owner, OwnerKind
from slotsync.domain.content_hashes import is_of_another_key
from slotsync.domain.reservations.event import DesiredEvent, EventKey, WrittenEvent, event_id
from slotsync.google.events.body import clean_text, has_additions, has_notes_below, our_part, parse_time, to_google
from slotsync.google.events.mark import Mark

if TYPE_CHECKING:
    from googleapiclient._apis.calendar.v3 import Event

ComparedFields = dict[str, str | datetime | date | Mark | None]


def find_differences(event: "Event", desired: DesiredEvent) -> list[str]:
    """Return the names of the fields in which the event differs from the desired one; empty if it is right.

    Values are compared, not texts: Google renders times in the calendar's zone and leaves out default values.
    """
    wanted = to_google(desired)
    actual, expected = _compared_fields(event, desired), _compared_fields(wanted, desired)
    theirs = {"description"} if has_notes_below(event, wanted) else ()
    return [name for name in expected if actual[name] != expected[name] and name not in theirs]


def describe_shape(event: "Event", desired: DesiredEvent | None) -> str:
    """Return as a text what people made of an event: only to be hashed, since it has contents.

    Of one that is not wanted at all, it is what people see first.
    """
    if desired is None:
        times = [str(parse_time(event.get("start", {}))), str(parse_time(event.get("end", {})))]
        return repr([clean_text(event.get("summary")), *times])
    actual = _compared_fields(event, desired)
    return repr([(name, str(actual[name])) for name in find_differences(event, desired)])


def _compared_fields(event: "Event", desired: DesiredEvent) -> ComparedFields:
    ours = our_part(event)
    return {
        "summary": clean_text(event.get("summary")),
        "description": clean_text(ours.get("description")),
        "start": parse_time(event.get("start", {})),
        "end": parse_time(event.get("end", {})),
        "status": event.get("status", "confirmed"),
        "transparency": event.get("transparency", "opaque"),
        "source": ours.get("source", {}).get("url"),
        "mark": _comparable_mark(Mark.from_event(event), desired),
    }


def _comparable_mark(mark: Mark | None, desired: DesiredEvent) -> Mark | None:
    """Return the mark with the desired fingerprint in place of one of the same content by another key or by none.

    One by another key, of a database that was lost, says nothing: the other fields decide.
    """
    if mark is None or mark.version != desired.version:
        return mark
    former = mark.fingerprint == desired.content.plain_fingerprint
    may_be_same = former or is_of_another_key(mark.fingerprint, desired.fingerprint)
    return replace(mark, fingerprint=desired.fingerprint) if may_be_same else mark


@dataclass(frozen=True)
class Adopt:
    """The event is as desired: an earlier write of ours arrived."""


@dataclass(frozen=True)
class KeepNewer:
    """The event has a newer version: this write is late and must not change it."""


@dataclass(frozen=True)
class Update:
    """The event exists and must be written again, on condition of this ``etag``.

    ``claims_newer``: its mark of the first format has a newer version, or another program has written it there.
    """

    etag: str
    claims_newer: bool = False


@dataclass(frozen=True)
class NextGeneration:
    """No event of ours exists under this id, and Google never frees an id: use the next one."""


Decision = Adopt | KeepNewer | Update | NextGeneration


def decide(found: "Event | None", desired: DesiredEvent) -> Decision:
    """Return the decision about the event that was ``found`` under the desired event's id.

    A deleted event with a newer version stays deleted, so that a late attempt does not restore what a newer one
    removed. An event without any mark is still ours, with its mark removed by another program: only who may write to
    the calendar can give one its id. An invitation is not: a guest's copy has the id of its original (seen in answers
    of Google), and what we write to it may reach the inviter (``guestsCanModify``); the private properties of our mark
    do not travel with it.
    """
    if found is None or _is_invitation(found):
        return NextGeneration()
    mark = Mark.from_event(found)
    if mark and not mark.matches(desired.merchant, desired.reservation, desired.key):
        return NextGeneration()
    if mark and mark.is_newer_than(desired.version):
        return KeepNewer()
    if is_deleted(found):
        return NextGeneration()
    if not find_differences(found, desired):
        return Adopt()
    return Update(found["etag"], claims_newer=mark is not None and mark.version > desired.version)


def _is_invitation(event: "Event") -> bool:
    """Return whether another calendar organizes the event, and this is its copy for a guest, without our mark."""
    organizer = event.get("organizer")
    return organizer is not None and not organizer.get("self", False) and Mark.from_event(event) is None


def is_deleted(event: "Event") -> bool:
    """Return whether the event is a tombstone, which Google keeps of a deleted event."""
    return event.get("status") == "cancelled"


def describe_written(desired: DesiredEvent, generation: int, event: "Event") -> WrittenEvent:
    """Return the event as it exists under the id of this generation, with the version in its own mark."""
    mark = _comparable_mark(Mark.from_event(event), desired) or Mark.from_desired(desired)
    return WrittenEvent(
        key=desired.key,
        calendar_id=desired.calendar_id,
        connection_id=desired.connection_id,
        generation=generation,
        version=mark.version,
        fingerprint=mark.fingerprint,
        etag=event["etag"],
        link=event.get("htmlLink", ""),
        present=not is_deleted(event),
        touched=has_additions(event),
        guest_data=desired.guest_data if mark.version == desired.version else None,
        first_format=desired.first_format,
    )


def describe_unwritten(desired: DesiredEvent) -> WrittenEvent:
    """Return the event as if it was never written: the place of its key, to find its generations by."""
    return WrittenEvent(
        key=desired.key,
        calendar_id=desired.calendar_id,
        connection_id=desired.connection_id,
        generation=0,
        version=desired.version,
        fingerprint="",
        etag="",
        first_format=desired.first_format,
    )


def read_marked(merchant: str, connection_id: str, calendar_id: str, event: "Event") -> tuple[str, WrittenEvent] | None:
    """Return the reservation of an event of the merchant, and the event as slotsync knows it from its mark.

    None if it is not ours, or a copy made by hand, or another merchant's.
    """
    mark = Mark.from_event(event)
    kind, _, owner_id = mark.owner.partition(":") if mark else ("", "", "")
    if mark is None or mark.merchant != merchant or kind not in [*OwnerKind]:
        return None
    owner = Owner.model_construct(kind=OwnerKind(kind), id=owner_id)
    key = EventKey.model_construct(item=mark.item, owner=owner)
    generation = _generation(merchant, mark.reservation, key, event)
    if generation is None:
        return None
    written = WrittenEvent(
        key=key,
        calendar_id=calendar_id,
        connection_id=connection_id,
        generation=generation,
        version=mark.version,
        fingerprint=mark.fingerprint,
        etag=event["etag"],
        first_format=mark.is_first_format,
    )
    return mark.reservation, refresh_written(written, mark, event)


def match_event(merchant: str, reservation: str, written: WrittenEvent, event: "Event") -> WrittenEvent | None:
    """Return ``written`` in the generation of this event, or None if it is another event, or a copy made by hand."""
    mark = Mark.from_event(event)
    generation = _generation(merchant, reservation, written.key, event)
    if mark is None or generation is None:
        return None
    return refresh_written(written.model_copy(update={"generation": generation}), mark, event)


def _generation(merchant: str, reservation: str, key: EventKey, event: "Event") -> int | None:
    mark = Mark.from_event(event)
    _, _, generation = event["id"].rpartition("g")
    if not mark or not generation.isdecimal() or not mark.matches(merchant, reservation, key):
        return None
    return int(generation) if event["id"] == event_id(merchant, reservation, key, int(generation)) else None


def refresh_written(written: WrittenEvent, mark: Mark, event: "Event") -> WrittenEvent:
    """Return ``written`` with the state of the event that exists there, and the version in its mark.

    In the first format that may be another program's: it counts as no newer than what is known.
    """
    state: dict[str, object] = {
        "version": min(mark.version, written.version) if mark.is_first_format else mark.version,
        "fingerprint": mark.fingerprint,
        "etag": event["etag"],
        "link": event.get("htmlLink", ""),
        "present": True,
        "touched": has_additions(event),
    }
    return written.model_copy(update=state)
