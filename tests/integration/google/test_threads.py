"""Many threads over many accounts: no account ever receives data of another."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from slotsync.domain.calendars.owner import Owner
from slotsync.domain.reservations.event import DesiredEvent, event_id
from slotsync.google.calendar_marks import CalendarSpec
from slotsync.google.requests import execute
from tests.support.adapter_harness import SCOPES, AdapterHarness
from tests.support.desired_events import desired_content, desired_event

CONNECTIONS = [f"c-{number}" for number in range(8)]
THREADS = 16
EVENTS_PER_CONNECTION = 12


def connected(adapter: AdapterHarness, connection_id: str) -> str:
    """Connect a new account, and return its managed calendar."""
    adapter.connect(connection_id, f"{connection_id}@example.com", SCOPES)
    spec = CalendarSpec(merchant=connection_id, owner=Owner.product("tour"), name=connection_id, time_zone="UTC")
    return adapter.calendars.ensure(connection_id, spec)[0]


def desired(connection_id: str, calendar_id: str, number: int) -> DesiredEvent:
    plain = desired_event(connection_id=connection_id, calendar_id=calendar_id, reservation=f"R-{number}")
    return desired_content(plain, summary=connection_id).model_copy(update={"merchant": connection_id})


def write_and_read(adapter: AdapterHarness, event: DesiredEvent) -> tuple[str, str]:
    """Return the account that was called, and the title that it returned."""
    adapter.events.put_event(event, None)
    place = event_id(event.merchant, event.reservation, event.key)
    events = adapter.services.calendar(event.connection_id).events
    return event.connection_id, execute(events.get(calendarId=event.calendar_id, eventId=place))["summary"]


def test_sixteen_threads_over_eight_connections_never_see_each_others_data(empty_adapter: AdapterHarness) -> None:
    calendars = {connection: connected(empty_adapter, connection) for connection in CONNECTIONS}
    wanted = [
        desired(connection, calendars[connection], n)
        for connection in CONNECTIONS
        for n in range(EVENTS_PER_CONNECTION)
    ]
    random.Random(1).shuffle(wanted)
    work: Callable[[DesiredEvent], tuple[str, str]] = lambda event: write_and_read(empty_adapter, event)  # noqa: E731
    with ThreadPoolExecutor(THREADS) as threads:
        read = list(threads.map(work, wanted))
    assert len(read) == len(CONNECTIONS) * EVENTS_PER_CONNECTION
    assert [connection for connection, _ in read] == [title for _, title in read]
    for connection in CONNECTIONS:
        (found,) = empty_adapter.calendars.find(
            connection,
            CalendarSpec(merchant=connection, owner=Owner.product("tour"), name="", time_zone="UTC"),
        )
        listed = execute(empty_adapter.services.calendar(connection).events.list(calendarId=found.id))
        assert {event["summary"] for event in listed["items"]} == {connection}
        assert len(listed["items"]) == EVENTS_PER_CONNECTION
