"""Everything about one event, for the panel beside the week."""

from dataclasses import dataclass

from slotsync.sandbox import instants
from slotsync.sandbox.json_types import JsonObject, as_list, as_object, as_text
from slotsync.sandbox.pages.drawn_event import DrawnEvent


@dataclass(frozen=True)
class EventDetails:
    """What the panel says: facts to read first, and the marks that apps leave."""

    event: DrawnEvent
    when: str
    facts: dict[str, str]
    link: str
    properties: dict[str, str]
    marks: dict[str, str]

    @classmethod
    def of(cls, event: DrawnEvent, zone_name: str) -> "EventDetails":
        """The details, with times in the zone."""
        body = event.stored.body
        return cls(
            event=event,
            when=f"{event.days_text}, {event.hours_text or 'all day'} · {zone_name}",
            facts={name: value for name, value in _facts(event).items() if value},
            link=as_text(as_object(body.get("source")).get("url")),
            properties=_texts(as_object(as_object(body.get("extendedProperties")).get("private"))),
            marks=_marks(event),
        )


def _facts(event: DrawnEvent) -> dict[str, str]:
    body = event.stored.body
    return {
        "Description": as_text(body.get("description")),
        "Where": as_text(body.get("location")),
        "Guests": ", ".join(as_text(as_object(guest).get("email")) for guest in as_list(body.get("attendees"))),
        "Calendar": event.calendar.name,
        "Status": event.stored.status,
        "Shown as": "free" if body.get("transparency") == "transparent" else "busy",
    }


def _marks(event: DrawnEvent) -> dict[str, str]:
    stored = event.stored
    return {
        "id": stored.id,
        "iCalUID": stored.i_cal_uid,
        "etag": stored.etag,
        "sequence": str(stored.sequence),
        "created": instants.with_milliseconds(instants.from_micros(stored.created)),
        "updated": instants.with_milliseconds(instants.from_micros(stored.updated)),
    }


def _texts(properties: JsonObject) -> dict[str, str]:
    return {name: str(value) for name, value in properties.items()}
