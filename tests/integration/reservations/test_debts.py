"""An event that has to go while its calendar is out of reach goes once that is back; until then nothing is settled."""

import pytest

from slotsync.domain.calendars.owner import Owner
from slotsync.domain.reservations.event import SyncState
from slotsync.domain.reservations.snapshot import Item, ReservationStatus
from slotsync.temporal.signals import signal_connection
from starter.services.status import SyncStatus
from tests.support.managed_calendars import delete_by_hand, shown
from tests.support.samples import EMAIL, MERCHANT, TOUR, item, settings_of, snapshot
from tests.support.two_calendars import states
from tests.support.waiting import until
from tests.support.world import World

pytestmark = pytest.mark.anyio

BOAT = Owner.product("boat")
OTHER_EMAIL = "other@gmail.example"
NAMES = ("R-1", "R-2", "R-3")
PAST = item(start="2020-07-01T18:00:00+03:00", end="2020-07-01T20:00:00+03:00")


async def book(world: World, *names: str, booked: Item | None = None) -> None:
    for name in names:
        await world.slotsync.report(snapshot(1, booked or item(), name=name, title=name))
    for name in names:
        await world.settled(1, name=name)


async def cancel_move_and_delay(world: World) -> None:
    """Cancel the first reservation, move the second to another product, and the third to another day."""
    await world.slotsync.cancel(MERCHANT, "R-1", version=2)
    await world.slotsync.report(snapshot(2, item(BOAT.id), name="R-2", title="R-2"))
    await world.slotsync.report(snapshot(2, item(day=9), name="R-3", title="R-3"))


async def status(world: World, name: str = "R-1") -> SyncStatus:
    found = await world.slotsync.status(MERCHANT, name)
    assert found
    return found


async def until_owed(world: World, *names: str) -> None:
    for name in names:

        async def owed(name: str = name) -> bool:
            states = {event.state for event in (await status(world, name)).events}
            return SyncState.TO_DELETE in states

        await until(owed)


async def until_all_settled(world: World) -> None:
    async def settled() -> bool:
        return all([(await status(world, name)).settled for name in NAMES])

    await until(settled)


async def test_what_was_cancelled_or_moved_while_sync_was_off_goes_once_it_is_on(two_calendars: World) -> None:
    async with two_calendars.working():
        await book(two_calendars, *NAMES)
        await two_calendars.slotsync.turn_off(MERCHANT, TOUR, remove_events=False)
        await cancel_move_and_delay(two_calendars)
        await until_owed(two_calendars, "R-1", "R-2")
        owed = await status(two_calendars)
        assert (owed.settled, owed.settled_version, owed.version) == (False, 1, 2)
        assert "waits to be deleted" in owed.remedy
        assert await two_calendars.titles() == ["R-1", "R-2", "R-3"], "what is off is left as it is"
        await two_calendars.slotsync.turn_on(MERCHANT, TOUR)
        await shown(two_calendars, TOUR, ["R-3"])
        await shown(two_calendars, BOAT, ["R-2"])
        await until_all_settled(two_calendars)
    (left,) = await two_calendars.events()
    assert "2027-07-09" in str(left["start"])


async def test_what_was_wanted_only_while_sync_was_off_is_told_as_not_synced_no_more_once_it_is_on(
    two_calendars: World,
) -> None:
    async with two_calendars.working():
        await two_calendars.slotsync.turn_off(MERCHANT, TOUR, remove_events=False)
        await two_calendars.slotsync.report(snapshot(1))
        await until(lambda: is_in(two_calendars, SyncState.NOT_SYNCED))
        await two_calendars.slotsync.report(snapshot(2, item(BOAT.id)))
        await two_calendars.settled(2)
        assert await is_in(two_calendars, SyncState.NOT_SYNCED), "it is off"
        await two_calendars.slotsync.turn_on(MERCHANT, TOUR)
        await until(lambda: is_in(two_calendars, SyncState.DELETED))
        assert not await is_in(two_calendars, SyncState.NOT_SYNCED)


async def is_in(world: World, state: SyncState) -> bool:
    return state in await states(world, "R-1")


async def test_what_was_cancelled_or_moved_under_another_account_goes_once_the_first_is_back(
    two_calendars: World,
) -> None:
    async with two_calendars.working():
        await book(two_calendars, *NAMES)
        await two_calendars.connect(email=OTHER_EMAIL, resume_all=True)
        await signal_connection(two_calendars.client, MERCHANT, "granted")

        async def moved() -> bool:
            return len(await two_calendars.titles(email=OTHER_EMAIL)) == len(NAMES)

        await until(moved)
        await cancel_move_and_delay(two_calendars)

        async def changed() -> bool:
            return await two_calendars.titles(email=OTHER_EMAIL) == ["R-3"]

        await until(changed)
        assert await two_calendars.titles() == ["R-1", "R-2", "R-3"], "the first account is out of reach"
        await two_calendars.connect(resume_all=True)
        await signal_connection(two_calendars.client, MERCHANT, "granted")
        await shown(two_calendars, TOUR, ["R-3"])
        await shown(two_calendars, BOAT, ["R-2"])
        await until_all_settled(two_calendars)
    assert len(await two_calendars.calendars()) == 2, "the calendars were found again"


async def test_a_calendar_that_only_seemed_to_be_missing_is_found_with_its_events(two_calendars: World) -> None:
    async with two_calendars.working():
        await book(two_calendars, *NAMES)
        await two_calendars.fault(method="events.update", kind="notFound", count=1)
        await two_calendars.fault(method="events.get", kind="notFound", count=1)
        await two_calendars.fault(method="events.insert", kind="notFound", count=1)
        await two_calendars.fault(method="calendars.get", kind="notFound", count=1)
        await two_calendars.slotsync.report(snapshot(2, name="R-3", title="R-3 changed"))
        await two_calendars.settled(2, name="R-3")
        await two_calendars.slotsync.cancel(MERCHANT, "R-1", version=2)
        await shown(two_calendars, TOUR, ["R-2", "R-3 changed"])
    assert len(await two_calendars.calendars()) == 1


async def test_a_calendar_that_is_made_anew_gets_the_bookings_of_the_past_too(two_calendars: World) -> None:
    async with two_calendars.working():
        await book(two_calendars, "R-1", booked=PAST)
        await book(two_calendars, "R-2")
        deleted = await delete_by_hand(two_calendars, TOUR)
        await two_calendars.slotsync.report(snapshot(2, name="R-2", title="R-2 changed"))
        await shown(two_calendars, TOUR, ["R-1", "R-2 changed"])

        async def linked() -> bool:
            return (await status(two_calendars)).events[0].state == SyncState.IN_STEP

        await until(linked)
    assert (await two_calendars.calendars())[TOUR.id] != deleted


async def test_a_lower_level_of_guest_data_reaches_the_bookings_of_the_past(two_calendars: World) -> None:
    async with two_calendars.working():
        await book(two_calendars, "R-1", booked=PAST)
        await book(two_calendars, "R-2")
        await two_calendars.slotsync.put_owner(MERCHANT, TOUR, settings_of(TOUR, guest_data="busy"))
        await shown(two_calendars, TOUR, ["Reserved", "Reserved"])


@pytest.mark.parametrize(
    ("method", "reason", "change"),
    [
        ("events.delete", "forbidden", ReservationStatus.CANCELLED),
        ("events.update", "conditionNotMet", ReservationStatus.CONFIRMED),
    ],
)
async def test_a_lasting_refusal_costs_few_calls_and_holds_nobody_up(
    two_calendars: World, method: str, reason: str, change: ReservationStatus
) -> None:
    async with two_calendars.working():
        await book(two_calendars, "R-1")
        calendar = (await two_calendars.calendars())[TOUR.id]
        before = await calls(two_calendars)
        await two_calendars.fault(method=method, kind=reason, probability=1, calendar=calendar)
        await two_calendars.slotsync.report(snapshot(2, status=change))
        await two_calendars.slotsync.report(snapshot(1, name="R-2", title="R-2"))
        await two_calendars.settled(1, name="R-2")

        async def told() -> bool:
            return (await status(two_calendars)).events[0].last_error == reason

        await until(told)
        assert await calls(two_calendars) - before < 20
        await two_calendars.heal()


async def calls(world: World) -> int:
    """Return the number of calls about events."""
    answer = (await world.http.get("/sandbox/calls")).raise_for_status()
    return sum(count for method, count in answer.json()["totals"].items() if method.startswith("events."))


async def test_why_a_calendar_cannot_be_made_shows_in_the_reservation(world: World) -> None:
    await world.add_merchant(TOUR)
    async with world.working():
        await world.fault(method="calendars.insert", kind="invalid", probability=1, account=EMAIL)
        await world.slotsync.report(snapshot(1))

        async def told() -> bool:
            found = await status(world)
            return [event.last_error for event in found.events] == ["invalid"] and "time zone" in found.remedy

        await until(told)
        await world.heal()
