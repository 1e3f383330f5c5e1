"""Google's calendars held against the newest snapshots, event by event, without slotsync's own rules of what belongs
where.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from slotsync.domain.reservations.snapshot import Reservation
from starter.local.demo.comparison import Comparison, Line, SeenEvent, compare
from tests.support.samples import EMAIL
from tests.support.world import World


class EventWithId(SeenEvent):
    """An event, with the id that Google knows it by."""

    id: str


async def assert_perfect(world: World, newest: Iterable[Reservation], email: str = EMAIL, told: object = "") -> None:
    """Nothing is missing, extra, doubled or wrong, and no owner has two calendars."""
    comparison = await compared(world, newest, email)
    assert comparison.perfect, (told, comparison)
    assert await calendars_twice(world, email) == [], told


async def compared(world: World, newest: Iterable[Reservation], email: str = EMAIL) -> Comparison:
    """How the account's calendars differ from what these snapshots mean."""
    expected = {place: line for each in newest for place, line in _meant(each)}
    return compare(expected, await _found(world, email))


async def calendars_twice(world: World, email: str = EMAIL) -> list[str]:
    """Names that more than one calendar of the account has."""
    answer = (await world.http.get(f"/sandbox/accounts/{email}/calendars")).raise_for_status()
    names = Counter(each["summary"] for each in answer.json()["items"])
    return [name for name, count in names.items() if count > 1]


async def event_ids(world: World, email: str = EMAIL) -> list[tuple[str, str]]:
    """Every living event, by the ids of its calendar and its own."""
    calendars = (await world.calendars(email)).values()
    return sorted([(each, event["id"]) for each in calendars for event in await _events(world, email, each)])


def _meant(reservation: Reservation) -> Iterator[tuple[str, Line]]:
    """Each item stands in the calendar of its product and in that of each of its resources."""
    if reservation.status == "cancelled":
        return
    for position, item in enumerate(reservation.items, 1):
        for name in (item.product, *item.resources):
            line = Line(
                calendar=name,
                start=str(item.start),
                end=str(item.end),
                title=f"{reservation.title} ({reservation.status})",
            )
            yield f"{reservation.id} item {position} in {name}", line


async def _found(world: World, email: str) -> list[tuple[str, Line]]:
    return [
        _seen(name, event)
        for name, calendar in (await world.calendars(email)).items()
        for event in await _events(world, email, calendar)
    ]


async def _events(world: World, email: str, calendar: str) -> list[EventWithId]:
    answer = (await world.http.get(f"/sandbox/accounts/{email}/calendars/{calendar}/events")).raise_for_status()
    return [event for event in answer.json()["items"] if event["status"] != "cancelled"]


def _seen(calendar: str, event: SeenEvent) -> tuple[str, Line]:
    private = event["extendedProperties"]["private"]
    line = Line(
        calendar=calendar,
        start=_in_utc(event["start"]["dateTime"]),
        end=_in_utc(event["end"]["dateTime"]),
        title=f"{event['summary']} ({event['status']})",
    )
    return f"{private['reservation']} item {private['item']} in {calendar}", line


def _in_utc(told: str) -> str:
    return str(datetime.fromisoformat(told).astimezone(UTC))
