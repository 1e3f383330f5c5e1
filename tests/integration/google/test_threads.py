"""Many threads over many accounts: nobody ever sees what belongs to another."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from slotsync.domain.calendars.owner import Owner
from slotsync.domain.reservations.event import DesiredEvent, event_id
from slotsync.google.calendars import CalendarSpec
from slotsync.google.service import ask
from tests.support.adapter_harness import SCOPES, AdapterHarness
from tests.support.desired_events import content_of, desired_event

CONNECTIONS = [f"c-{number}" for number in range(8)]
THREADS = 16
EACH = 12


def connected(world: AdapterHarness, connection_id: str) -> str:
    """The managed calendar of a new account."""
    world.connect(connection_id, f"{connection_id}@example.com", SCOPES)
    spec = CalendarSpec(merchant=connection_id, owner=Owner.product("tour"), name=connection_id, time_zone="UTC")
    return world.calendars.ensure(connection_id, spec)


def desired(connection_id: str, calendar_id: str, number: int) -> DesiredEvent:
    plain = desired_event(connection_id=connection_id, calendar_id=calendar_id, reservation=f"R-{number}")
    return plain.model_copy(update={"merchant": connection_id, "content": content_of(summary=connection_id)})


def write_and_read(world: AdapterHarness, event: DesiredEvent) -> tuple[str, str]:
    """The account that was asked, and the title that came back."""
    world.events.put_event(event, None)
    place = event_id(event.merchant, event.reservation, event.key)
    events = world.services.calendar(event.connection_id).events
    return event.connection_id, ask(events.get(calendarId=event.calendar_id, eventId=place))["summary"]


def test_sixteen_threads_over_eight_connections_never_see_each_others_data(empty_world: AdapterHarness) -> None:
    calendars = {connection: connected(empty_world, connection) for connection in CONNECTIONS}
    wanted = [desired(connection, calendars[connection], n) for connection in CONNECTIONS for n in range(EACH)]
    random.Random(1).shuffle(wanted)
    work: Callable[[DesiredEvent], tuple[str, str]] = lambda event: write_and_read(empty_world, event)  # noqa: E731
    with ThreadPoolExecutor(THREADS) as threads:
        read = list(threads.map(work, wanted))
    assert len(read) == len(CONNECTIONS) * EACH
    assert [asked for asked, _ in read] == [answered for _, answered in read]
    for connection in CONNECTIONS:
        (found,) = empty_world.calendars.find(
            connection,
            CalendarSpec(merchant=connection, owner=Owner.product("tour"), name="", time_zone="UTC").mark,
        )
        listed = ask(empty_world.services.calendar(connection).events.list(calendarId=found.id))
        assert {event["summary"] for event in listed["items"]} == {connection}
        assert len(listed["items"]) == EACH
