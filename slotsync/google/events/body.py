"""The body of an event as Google takes it, with our mark."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Self
from zoneinfo import ZoneInfo

from slotsync.domain.reservations.event import DesiredEvent, EventKey
from slotsync.errors import BadRequest

if TYPE_CHECKING:
    from googleapiclient._apis.calendar.v3 import Event, EventDateTime

FORMAT = "1"


@dataclass(frozen=True)
class Mark:
    """Kept in an event's private extended properties: at most 44 characters of key, 1024 of value."""

    merchant: str
    reservation: str
    item: str
    owner: str
    version: int
    fingerprint: str

    @classmethod
    def of(cls, desired: DesiredEvent) -> Self:
        """The mark of an event that shows this state."""
        return cls(
            merchant=desired.merchant,
            reservation=desired.reservation,
            item=desired.key.item,
            owner=str(desired.key.owner),
            version=desired.version,
            fingerprint=desired.content.fingerprint,
        )

    @classmethod
    def on(cls, event: "Event") -> Self | None:
        """The mark on this event; nothing on an event without one, or with one that was damaged by hand."""
        found = event.get("extendedProperties", {}).get("private", {})
        try:
            return cls(
                merchant=found["merchant"],
                reservation=found["reservation"],
                item=found["item"],
                owner=found["owner"],
                version=int(found["version"]),
                fingerprint=found["fingerprint"],
            )
        except (KeyError, ValueError):
            return None

    def is_of(self, merchant: str, reservation: str, key: EventKey) -> bool:
        """Whether it names this event of this reservation, in whatever state."""
        return (self.merchant, self.reservation, self.item, self.owner) == (
            merchant,
            reservation,
            key.item,
            str(key.owner),
        )

    def properties(self) -> dict[str, str]:
        """As private extended properties."""
        return {
            "slotsync": FORMAT,
            "merchant": self.merchant,
            "reservation": self.reservation,
            "item": self.item,
            "owner": self.owner,
            "version": str(self.version),
            "fingerprint": self.fingerprint,
        }


def to_google(desired: DesiredEvent) -> "Event":
    """The whole body of the event: Google clears what a full update leaves out.

    No guests, so that Google writes to nobody. No reminders, so that the calendar's own setting counts: a merchant with
    a thousand reservations switches them on or off in one place.
    """
    content = desired.content
    body: Event = {
        "summary": content.summary,
        "start": _moment(content.start, content.time_zone),
        "end": _moment(content.end, content.time_zone),
        "status": content.status.value,
        "transparency": "opaque",
        "extendedProperties": {"private": Mark.of(desired).properties()},
    }
    if content.description:
        body["description"] = content.description
    if content.url:
        body["source"] = {"url": content.url, "title": f"Reservation {desired.reservation}"}
    return body


def _moment(moment: datetime | date, time_zone: str) -> "EventDateTime":
    """An instant always carries its offset too: a local time alone can mean two instants, or none."""
    if isinstance(moment, datetime):
        local = moment.astimezone(_zone(time_zone))
        return {"dateTime": local.isoformat(timespec="seconds"), "timeZone": time_zone}
    return {"date": moment.isoformat()}


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        message = f"{name!r} is not a time zone; give the product or resource an IANA name such as Europe/Oslo"
        raise BadRequest(message, reason="timeZone") from None


def from_google(moment: "EventDateTime") -> datetime | date | None:
    """The instant in UTC, in whole seconds, or the date; nothing where Google shows neither."""
    if "dateTime" in moment:
        return datetime.fromisoformat(moment["dateTime"]).astimezone(UTC).replace(microsecond=0)
    return date.fromisoformat(moment["date"]) if "date" in moment else None


def instant_text(instant: datetime) -> str:
    """A UTC instant as parameters of Google's want it."""
    return instant.isoformat().replace("+00:00", "Z")
