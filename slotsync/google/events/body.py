"""Convert between slotsync's events and Google's event bodies, with the mark that identifies an event as ours."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Self, cast
from zoneinfo import ZoneInfo

from slotsync.domain.reservations.event import DesiredEvent, EventKey
from slotsync.errors import BadRequest

if TYPE_CHECKING:
    from googleapiclient._apis.calendar.v3 import Event, EventDateTime

MARK_FORMAT = "2"
SEARCHED: Final = "reservation"
"""The property by which events are searched for, in marks of each format."""

_FIELDS: Final = ("merchant", "reservation", "item", "owner", "version", "fingerprint")
_NAMES: Final = {field: f"slotsync{field.capitalize()}" for field in _FIELDS}
"""The names of the fields' properties: other programs have a ``version`` of their own on our events."""

_FIRST_NAMES: Final = {field: field for field in _FIELDS}
"""The names in marks of the first format, which events keep until they are written again."""


@dataclass(frozen=True)
class Mark:
    """The identity and version of an event, stored in its private extended properties.

    Google allows at most 44 characters of key and 1024 of value.
    """

    merchant: str
    reservation: str
    item: str
    owner: str
    version: int
    fingerprint: str
    is_first_format: bool = field(default=False, compare=False)

    @classmethod
    def from_desired(cls, desired: DesiredEvent) -> Self:
        """Return the mark for an event in this state."""
        return cls(
            merchant=desired.merchant,
            reservation=desired.reservation,
            item=desired.key.item,
            owner=str(desired.key.owner),
            version=desired.version,
            fingerprint=desired.fingerprint,
        )

    @classmethod
    def from_event(cls, event: "Event") -> Self | None:
        """Return the event's mark, or None if it has none or one that was damaged by hand."""
        properties = event.get("extendedProperties", {}).get("private", {})
        names = _names_in(properties)
        try:
            return cls(
                merchant=properties[names["merchant"]],
                reservation=properties[names["reservation"]],
                item=properties[names["item"]],
                owner=properties[names["owner"]],
                version=int(properties[names["version"]]),
                fingerprint=properties[names["fingerprint"]],
                is_first_format=names is _FIRST_NAMES,
            )
        except (KeyError, ValueError):
            return None

    def matches(self, merchant: str, reservation: str, key: EventKey) -> bool:
        """Return whether the mark belongs to this event of this reservation, in any version.

        Of the first format the reservation alone is believed: other programs have properties of the other names.
        """
        if self.is_first_format:
            return self.reservation == reservation
        return (self.merchant, self.reservation, self.item, self.owner) == (
            merchant,
            reservation,
            key.item,
            str(key.owner),
        )

    def to_properties(self) -> dict[str, str]:
        """Return the mark as private extended properties."""
        fields = {_NAMES[name]: str(value) for name, value in asdict(self).items() if name in _NAMES}
        return {"slotsync": MARK_FORMAT, SEARCHED: self.reservation, **fields}


def _names_in(properties: Mapping[str, str]) -> Mapping[str, str]:
    """Return the names of the mark's fields in an event's private properties."""
    return _NAMES if _NAMES["version"] in properties else _FIRST_NAMES


_OURS: Final = frozenset(
    {"summary", "description", "start", "end", "status", "transparency", "source", "extendedProperties"}
)
"""The fields that slotsync writes."""

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
    fields = {name: value for name, value in event.items() if name not in _OURS | _READ_ONLY}
    added = {name: value for name, value in fields.items() if _DEFAULTS.get(name) != value}
    properties = event.get("extendedProperties", {})
    private = dict(properties.get("private", {}))
    for name in ("slotsync", SEARCHED, *_NAMES.values(), *_names_in(private).values()):
        private.pop(name, None)
    others = {"private": private, "shared": properties.get("shared", {})}
    kept = {kind: values for kind, values in others.items() if values}
    return added | ({"extendedProperties": kept} if kept else {})


def has_additions(event: "Event") -> bool:
    """Return whether people or other programs have added something to the event."""
    return bool(find_additions(event))


def keep_additions(body: "Event", *events: "Event") -> "Event":
    """Return our body with what others have added to the events that it replaces, of which the first counts most.

    Google clears what is left out. Guests are kept of all of them.
    """
    added: dict[str, Any] = {}
    properties: dict[str, dict[str, str]] = {"private": {}}
    for additions in map(find_additions, reversed(events)):
        for kind, values in additions.pop("extendedProperties", {}).items():
            properties[kind] = {**properties.get(kind, {}), **values}
        guests = _merge_guests(additions.get("attendees", []), added.get("attendees", []))
        added |= additions | ({"attendees": guests} if guests else {})
    properties["private"] |= body["extendedProperties"]["private"]
    return cast("Event", {**added, **body, "extendedProperties": properties})


def _merge_guests(guests: list[Any], more: list[Any]) -> list[Any]:
    addresses = {guest.get("email", "").lower() for guest in guests}
    return [*guests, *(guest for guest in more if guest.get("email", "").lower() not in addresses)]


def our_part(event: "Event") -> "Event":
    """Return the fields of an event that slotsync writes, as they are."""
    return cast("Event", {name: value for name, value in event.items() if name in _OURS})


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
