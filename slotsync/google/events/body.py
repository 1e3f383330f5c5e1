"""Convert between slotsync's events and Google's event bodies, and keep what others have added to them."""

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, cast
from zoneinfo import ZoneInfo

from slotsync.domain.reservations.event import DesiredEvent, EventContent, EventStatus
from slotsync.errors import BadRequest
from slotsync.google.events.mark import OPTIONAL_FIELDS, Mark, remove_mark

if TYPE_CHECKING:
    from googleapiclient._apis.calendar.v3 import Event, EventDateTime

_OURS: Final = frozenset(
    {"summary", "description", "start", "end", "status", "transparency", "source", "extendedProperties"}
)
"""The fields that slotsync writes. One that it left empty is not ours: see ``_fields_of_others``."""

_READ_ONLY: Final = frozenset(
    {
        *("kind", "etag", "id", "htmlLink", "created", "updated", "creator", "organizer", "iCalUID", "hangoutLink"),
        *("sequence", "recurringEventId", "originalStartTime", "locked", "privateCopy", "eventType"),
    }
)
"""The fields that Google writes, or that never change; an old ``sequence`` would even be refused."""

_DEFAULTS: Final = {"reminders": {"useDefault": True}}
"""The fields that Google adds to every event."""


def find_additions(event: "Event") -> dict[str, Any]:
    """Return what people or other programs have added: fields that are not ours, and others' properties."""
    not_added = (_OURS | _READ_ONLY) - _fields_of_others(event)
    fields = {name: value for name, value in event.items() if name not in not_added}
    added = {name: value for name, value in fields.items() if _DEFAULTS.get(name) != value}
    properties = event.get("extendedProperties", {})
    others = {"private": remove_mark(properties.get("private", {})), "shared": properties.get("shared", {})}
    kept = {kind: values for kind, values in others.items() if values}
    return added | ({"extendedProperties": kept} if kept else {})


def _fields_of_others(event: "Event") -> frozenset[str]:
    """Return the fields that slotsync writes at other levels of guest data, and left empty in this event.

    What we once wrote there stays ours, also if people changed it: a guest's name in it has to go with a lower level.
    """
    mark = Mark.from_event(event)
    if mark and mark.written is None and mark.fingerprint == _fingerprint_without_optional_fields(event):
        return OPTIONAL_FIELDS  # in a mark of before, which does not say what was written
    return mark.unwritten if mark else frozenset()


def _fingerprint_without_optional_fields(event: "Event") -> str | None:
    """Return the plain fingerprint of what the event shows in our other fields, None if slotsync never writes that."""
    start, end = parse_time(event.get("start", {})), parse_time(event.get("end", {}))
    status = event.get("status", EventStatus.CONFIRMED)
    if start is None or end is None or status not in [*EventStatus]:
        return None
    zone = event["start"].get("timeZone", "")
    shown = {"summary": event.get("summary", ""), "start": start, "end": end, "time_zone": zone}
    return EventContent.model_validate({**shown, "status": status}).plain_fingerprint


def has_additions(event: "Event") -> bool:
    """Return whether people or other programs have added something to the event."""
    return bool(find_additions(event))


def keep_additions(body: "Event", *events: "Event") -> "Event":
    """Return our body with what others have added to the events that it replaces, of which the first counts most.

    Google clears what is left out. Guests are kept of all of them, and notes below our description of the first.
    """
    added: dict[str, Any] = {}
    properties: dict[str, dict[str, str]] = {"private": {}}
    for additions in map(find_additions, reversed(events)):
        for kind, values in additions.pop("extendedProperties", {}).items():
            properties[kind] = {**properties.get(kind, {}), **values}
        guests = _merge_guests(additions.get("attendees", []), added.get("attendees", []))
        added |= additions | ({"attendees": guests} if guests else {})
    properties["private"] |= body["extendedProperties"]["private"]
    below = {"description": events[0]["description"]} if events and has_notes_below(events[0], body) else {}
    return cast("Event", {**added, **body, **below, "extendedProperties": properties})


def has_notes_below(event: "Event", body: "Event") -> bool:
    """Return whether people have written something below our description, in an event that has the body's content.

    Of another content nobody can say where our description ends: a guest's name in it may have to go.
    """
    mark, wanted = Mark.from_event(event), Mark.from_event(body)
    ours, shown = clean_text(body.get("description")), clean_text(event.get("description"))
    return bool(ours and mark and wanted and mark.fingerprint == wanted.fingerprint and shown.startswith(f"{ours}\n"))


def clean_text(text: str | None) -> str:
    """Return a text as slotsync writes it: Google's own page writes line breaks as HTML."""
    return (text or "").replace("\r\n", "\n").replace("<br>", "\n").strip()


def _merge_guests(guests: list[Any], more: list[Any]) -> list[Any]:
    addresses = {guest.get("email", "").lower() for guest in guests}
    return [*guests, *(guest for guest in more if guest.get("email", "").lower() not in addresses)]


def our_part(event: "Event") -> "Event":
    """Return the fields of an event that slotsync writes, as they are."""
    ours = _OURS - _fields_of_others(event)
    return cast("Event", {name: value for name, value in event.items() if name in ours})


def to_google(desired: DesiredEvent) -> "Event":
    """Return our part of the event's body.

    It has no guests, so that Google sends no mails. It has no reminders, so that the calendar's own setting applies: a
    merchant with a thousand reservations switches them on or off in one place.

    Raises:
        BadRequest: The event's time zone does not exist.
    """
    content = desired.content
    body: Event = {
        "summary": content.summary,
        "start": _time(content.start, content.time_zone),
        "end": _time(content.end, content.time_zone),
        "status": content.status.value,
        "transparency": "opaque",
        "extendedProperties": {"private": Mark.from_desired(desired).to_properties()},
    }
    if content.description:
        body["description"] = content.description
    if content.url:
        body["source"] = {"url": content.url, "title": f"Reservation {desired.reservation}"}
    return body


def _time(moment: datetime | date, time_zone: str) -> "EventDateTime":
    """Return an event time's body. It includes the UTC offset: a local time alone can mean two instants, or none."""
    if isinstance(moment, datetime):
        local = moment.astimezone(_zone(time_zone))
        if (local.utcoffset() or timedelta()) % timedelta(minutes=1):
            local = moment.astimezone(UTC)  # Google refuses the offsets with seconds that zones had long ago
        return {"dateTime": local.isoformat(timespec="seconds"), "timeZone": time_zone}
    return {"date": moment.isoformat()}


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        message = f"{name!r} is not a time zone; give the product or resource an IANA name such as Europe/Oslo"
        raise BadRequest(message, reason="timeZone") from None


def parse_time(moment: "EventDateTime") -> datetime | date | None:
    """Return the instant in UTC and whole seconds, or the date, or None if Google shows neither."""
    if "dateTime" in moment:
        return datetime.fromisoformat(moment["dateTime"]).astimezone(UTC).replace(microsecond=0)
    return date.fromisoformat(moment["date"]) if "date" in moment else None


def format_instant(instant: datetime) -> str:
    """Return a UTC instant as text for Google's query parameters."""
    return instant.isoformat().replace("+00:00", "Z")
