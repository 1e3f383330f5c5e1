"""Events as they should be in Google."""

from datetime import UTC, datetime

from slotsync.domain.calendars.owner import Owner
from slotsync.domain.reservations.event import DesiredEvent, EventContent, EventKey


def content_of(**content: object) -> EventContent:
    """What a sunset tour shows, with whatever a test wants different."""
    usual = {
        "summary": "Sunset tour",
        "start": datetime(2026, 7, 1, 15, tzinfo=UTC),
        "end": datetime(2026, 7, 1, 17, tzinfo=UTC),
        "time_zone": "Europe/Oslo",
    }
    return EventContent.model_validate({**usual, **content})


def desired_event(
    *,
    reservation: str = "R-1042",
    item: str = "1",
    version: int = 1,
    calendar_id: str = "calendar",
    connection_id: str = "c-1",
    **content: object,
) -> DesiredEvent:
    """A sunset tour, with whatever a test wants different."""
    return DesiredEvent(
        merchant="arctic-kayaks",
        reservation=reservation,
        key=EventKey(item=item, owner=Owner.product("sunset-tour")),
        version=version,
        calendar_id=calendar_id,
        connection_id=connection_id,
        content=content_of(**content),
    )
