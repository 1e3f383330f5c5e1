"""Desired events for tests."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from slotsync.domain.calendars.owner import Owner
from slotsync.domain.content_hashes import ContentHasher
from slotsync.domain.reservations.event import DesiredEvent, EventContent, EventKey
from slotsync.google.events.body import to_google
from slotsync.secrets import DataKey
from slotsync.store.content_hashes import FINGERPRINTS

if TYPE_CHECKING:
    from googleapiclient._apis.calendar.v3 import Event


def hasher_with(key_id: str = "a-merchants-key") -> ContentHasher:
    """Return what makes fingerprints with a key that has this id."""
    key = DataKey(key_id, key_id.ljust(32).encode())
    return ContentHasher(key_id, lambda text: key.hash(text, FINGERPRINTS))


def sample_content(**content: object) -> EventContent:
    """Return the content of a sunset tour, with the changes of a test."""
    defaults = {
        "summary": "Sunset tour",
        "start": datetime(2026, 7, 1, 15, tzinfo=UTC),
        "end": datetime(2026, 7, 1, 17, tzinfo=UTC),
        "time_zone": "Europe/Oslo",
    }
    return EventContent.model_validate({**defaults, **content})


def desired_event(
    *,
    reservation: str = "R-1042",
    item: str = "1",
    version: int = 1,
    calendar_id: str = "calendar",
    connection_id: str = "c-1",
    **content: object,
) -> DesiredEvent:
    """Return a sunset tour, with the changes of a test."""
    event = DesiredEvent(
        merchant="arctic-kayaks",
        reservation=reservation,
        key=EventKey(item=item, owner=Owner.product("sunset-tour")),
        version=version,
        calendar_id=calendar_id,
        connection_id=connection_id,
        content=sample_content(),
        fingerprint="",
    )
    return desired_content(event, **content)


def desired_content(event: DesiredEvent, **content: object) -> DesiredEvent:
    """Return the event with a sunset tour's content, with the changes of a test."""
    wanted = sample_content(**content)
    return event.model_copy(update={"content": wanted, "fingerprint": hasher_with().hash(wanted.plain_fingerprint)})


def shown_event(desired: DesiredEvent, **changes: object) -> "Event":
    """Return the event as Google shows it: in UTC, with milliseconds, and without default values."""
    event: Event = {**to_google(desired), "etag": '"1"', "id": "x", "htmlLink": "https://calendar.google.com/e"}
    del event["transparency"]
    event["iCalUID"] = "x@google.com"
    event.update(changes)  # type: ignore[typeddict-item]  # the changes are what the tests are about
    return event
