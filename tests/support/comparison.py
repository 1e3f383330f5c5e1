"""Compare Google's calendars with the newest snapshots, event by event, without slotsync's own rules."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from slotsync.domain.reservations.snapshot import Reservation
from starter.local.demo.comparison import CalendarEntry, CalendarEvent, Comparison, compare
from tests.support.samples import EMAIL
from tests.support.world import World


class EventWithId(CalendarEvent):
    """An event with its id in Google."""

    id: str


async def assert_perfect(
    world: World,
    newest: Iterable[Reservation],
    email: str = EMAIL,
    context: object = "",
    *,
    may_have_former_calendars: bool = False,
) -> None:
    """Assert that nothing is missing, extra, doubled or wrong, and that no owner has two calendars.

    An owner may have further ones of which slotsync was shut out for a while; nothing is in them.
    """
    comparison = await compared(world, newest, email)
    assert comparison.perfect, (context, comparison)
    assert may_have_former_calendars or await find_duplicate_calendars(world, email) == [], context


async def compared(world: World, newest: Iterable[Reservation], email: str = EMAIL) -> Comparison:
    """Compare the account's calendars with these snapshots."""
    expected = _number_equal(place for each in newest for place in _expected_entries(each))
    return compare(dict(expected), [*_number_equal(await _read_entries(world, email))])


def _number_equal(entries: Iterable[tuple[str, CalendarEntry]]) -> Iterator[tuple[str, CalendarEntry]]:
    """Yield the entries in their order; those of one reservation with equal calendar and times are numbered."""
    seen = Counter[str]()
    for place, entry in entries:
        seen[place] += 1
        yield f"{place}, number {seen[place]}", entry


async def find_duplicate_calendars(world: World, email: str = EMAIL) -> list[str]:
    """Return the names that more than one calendar of the account has."""
    answer = (await world.http.get(f"/sandbox/accounts/{email}/calendars")).raise_for_status()
    names = Counter(each["summary"] for each in answer.json()["items"])
    return [name for name, count in names.items() if count > 1]


async def read_event_ids(world: World, email: str = EMAIL) -> list[tuple[str, str]]:
    """Return the calendar id and event id of each event that is not cancelled."""
    calendars = (await world.calendars(email)).values()
    return sorted([(each, event["id"]) for each in calendars for event in await _events(world, email, each)])


def _expected_entries(reservation: Reservation) -> Iterator[tuple[str, CalendarEntry]]:
    """Yield an entry in the calendar of each item's product, and of each of its resources."""
    if reservation.status == "cancelled":
        return
    for item in reservation.items:
        for name in (item.product, *item.resources):
            entry = CalendarEntry(
                calendar=name,
                start=str(item.start),
                end=str(item.end),
                title=f"{reservation.title} ({reservation.status})",
            )
            yield f"{reservation.id} at {entry.start} to {entry.end} in {name}", entry


async def _read_entries(world: World, email: str) -> list[tuple[str, CalendarEntry]]:
    answer = (await world.http.get(f"/sandbox/accounts/{email}/calendars")).raise_for_status()
    return [
        _parse_event(each["summary"], event)
        for each in answer.json()["items"]
        if each["id"] != email
        for event in await _events(world, email, each["id"])
    ]


async def _events(world: World, email: str, calendar: str) -> list[EventWithId]:
    answer = (await world.http.get(f"/sandbox/accounts/{email}/calendars/{calendar}/events")).raise_for_status()
    return [event for event in answer.json()["items"] if event["status"] != "cancelled"]


def _parse_event(calendar: str, event: CalendarEvent) -> tuple[str, CalendarEntry]:
    private = event["extendedProperties"]["private"]
    entry = CalendarEntry(
        calendar=calendar,
        start=_in_utc(event["start"]["dateTime"]),
        end=_in_utc(event["end"]["dateTime"]),
        title=f"{event['summary']} ({event['status']})",
    )
    return f"{private['slotsyncReservation']} at {entry.start} to {entry.end} in {calendar}", entry


def _in_utc(text: str) -> str:
    return str(datetime.fromisoformat(text).astimezone(UTC))
