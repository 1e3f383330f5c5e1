"""What to do about an event that was found in Google."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from slotsync.domain.reservations.event import DesiredEvent, EventKey, WrittenEvent, event_id
from slotsync.google.events.body import Mark, from_google, to_google

if TYPE_CHECKING:
    from googleapiclient._apis.calendar.v3 import Event

Shown = dict[str, str | datetime | date | Mark | None]


def differences(event: "Event", desired: DesiredEvent) -> list[str]:
    """The names of the fields in which they differ; none when the event is right.

    Compares meanings: Google renders times in the calendar's zone, and leaves out what has its usual value.
    """
    stands, wanted = _shown(event), _shown(to_google(desired))
    return [name for name in wanted if stands[name] != wanted[name]]


def _shown(event: "Event") -> Shown:
    return {
        "summary": _text(event.get("summary")),
        "description": _text(event.get("description")),
        "start": from_google(event.get("start", {})),
        "end": from_google(event.get("end", {})),
        "status": event.get("status", "confirmed"),
        "transparency": event.get("transparency", "opaque"),
        "source": event.get("source", {}).get("url"),
        "mark": Mark.on(event),
    }


def _text(text: str | None) -> str:
    return (text or "").replace("\r\n", "\n").strip()


@dataclass(frozen=True)
class Adopt:
    """It stands as desired: an earlier write of ours arrived."""


@dataclass(frozen=True)
class Leave:
    """It shows a newer version: whoever asks is late, and must not touch it."""


@dataclass(frozen=True)
class Update:
    """It stands, and must be written again on top of this ``etag``."""

    etag: str


@dataclass(frozen=True)
class NextGeneration:
    """Nothing of ours stands under this id, and Google never frees an id: take the next one."""


Decision = Adopt | Leave | Update | NextGeneration


def decide(looked: "Event | None", desired: DesiredEvent) -> Decision:
    """The decision about what was found under the event's id; ``None`` when nothing was found.

    A deleted event with a newer version is left deleted, so that a late attempt does not bring back what a newer one
    removed. An event without any mark is ours all the same, stripped by some other program: nobody else knows its id.
    """
    if looked is None:
        return NextGeneration()
    mark = Mark.on(looked)
    if mark and not mark.is_of(desired.merchant, desired.reservation, desired.key):
        return NextGeneration()
    if mark and mark.version > desired.version:
        return Leave()
    if is_deleted(looked):
        return NextGeneration()
    return Update(looked["etag"]) if differences(looked, desired) else Adopt()


def is_deleted(event: "Event") -> bool:
    """Whether Google keeps it only as a tombstone."""
    return event.get("status") == "cancelled"


def written_event(desired: DesiredEvent, generation: int, event: "Event") -> WrittenEvent:
    """The event that stands under the id of this generation, at the version that it shows itself."""
    mark = Mark.on(event) or Mark.of(desired)
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
    )


def found_event(merchant: str, reservation: str, place: WrittenEvent, event: "Event") -> WrittenEvent | None:
    """The same place in whatever generation this event has; nothing when it is another place, or a copy by hand."""
    mark = Mark.on(event)
    generation = _generation(merchant, reservation, place.key, event)
    if mark is None or generation is None:
        return None
    return as_found(place.model_copy(update={"generation": generation}), mark, event)


def generation_of(desired: DesiredEvent, event: "Event") -> int | None:
    """The generation of an event in this place; nothing when it is another place, or a copy by hand."""
    return _generation(desired.merchant, desired.reservation, desired.key, event)


def _generation(merchant: str, reservation: str, key: EventKey, event: "Event") -> int | None:
    mark = Mark.on(event)
    _, _, generation = event["id"].rpartition("g")
    if not mark or not generation.isdecimal() or not mark.is_of(merchant, reservation, key):
        return None
    return int(generation) if event["id"] == event_id(merchant, reservation, key, int(generation)) else None


def as_found(place: WrittenEvent, mark: Mark, event: "Event") -> WrittenEvent:
    """The living event in this place, at the version that its mark shows."""
    shown: dict[str, object] = {
        "version": mark.version,
        "fingerprint": mark.fingerprint,
        "etag": event["etag"],
        "link": event.get("htmlLink", ""),
        "present": True,
    }
    return place.model_copy(update=shown)
