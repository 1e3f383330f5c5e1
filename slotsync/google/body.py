"""Events as Google writes them."""

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from slotsync.errors import BadRequest
from slotsync.google.mark import Mark
from slotsync.rules.event import DesiredEvent

if TYPE_CHECKING:
    from googleapiclient._apis.calendar.v3 import Event, EventDateTime


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
