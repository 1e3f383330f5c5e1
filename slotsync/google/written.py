"""What was written, as it is remembered."""

from typing import TYPE_CHECKING

from slotsync.google.decision import is_deleted
from slotsync.google.mark import Mark
from slotsync.rules.event import DesiredEvent, EventKey, WrittenEvent
from slotsync.rules.event_id import event_id

if TYPE_CHECKING:
    from googleapiclient._apis.calendar.v3 import Event


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
