"""In what an event in Google differs from what is desired."""

from datetime import date, datetime
from typing import TYPE_CHECKING

from slotsync.google.body import from_google, to_google
from slotsync.google.mark import Mark
from slotsync.rules.event import DesiredEvent

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
