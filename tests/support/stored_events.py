"""Events as the store keeps them, of one item of a tour."""

from datetime import UTC, datetime, timedelta

from slotsync.domain.calendars.owner import Owner
from slotsync.domain.reservations.event import EventKey, WrittenEvent
from slotsync.store.database.engine import Store
from tests.support.stored_reservations import store_version

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
TOUR = Owner.product("tour")
KEY = EventKey(item="1", owner=TOUR)


def written(version: int = 1, key: EventKey = KEY, *, present: bool = True) -> WrittenEvent:
    return WrittenEvent(
        key=key,
        calendar_id="c-1",
        connection_id="g-1",
        generation=2,
        version=version,
        fingerprint=f"fingerprint-{version}",
        etag=f"etag-{version}",
        link="https://calendar.google.com/event?eid=1",
        present=present,
    )


def book(store: Store, *reservations: str, merchant: str = "m", ends_at: datetime = LATER) -> None:
    for reservation in reservations:
        store_version(store, 1, NOON, reservation=reservation, merchant=merchant, ends_at=ends_at)
