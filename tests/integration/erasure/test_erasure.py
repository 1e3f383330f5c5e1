"""A merchant or a reservation is erased: in Google if wanted, in the store, in Temporal; and nothing brings it back."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import update

from slotsync.clock import utc_now
from slotsync.domain.availability.blocking import PickableCalendar
from slotsync.domain.calendars.messages import CalendarRequest
from slotsync.domain.reservations.event import EventKey, SyncState
from slotsync.domain.reservations.messages import ReservationKey
from slotsync.errors import Erased, ErasureHeldUp, UnknownSubject
from slotsync.store.availability.blocking_calendars import BlockingCalendars
from slotsync.store.database.base import table_of
from slotsync.store.erasures import Erasures
from slotsync.store.reservations.reservations import Reservations
from slotsync.store.reservations.synced_events import SyncedEvents
from slotsync.store.tables.erasures import ErasureRow
from slotsync.temporal.erasure import workflows_of
from slotsync.temporal.signals import signal_availability, signal_calendar, signal_connection, signal_reservation
from starter.services.erasure import ErasureService
from starter.services.erasure_receipts import ELSEWHERE, STILL_IN_TEMPORAL
from tests.support.exported_histories import export_histories
from tests.support.samples import EMAIL, GUIDE, MERCHANT, TOUR, item, snapshot
from tests.support.sweeping import sweep
from tests.support.waiting import until
from tests.support.world import World

pytestmark = pytest.mark.anyio

NEIGHBOUR, NEIGHBOURS_EMAIL = "neighbour", "neighbour@gmail.example"
SHORT, PATIENT, LONG = timedelta(seconds=1), timedelta(seconds=20), timedelta(hours=1)


def service(world: World, timeout: timedelta = timedelta(minutes=1)) -> ErasureService:
    return ErasureService(world.settings, world.client, world.store, world.vault, timeout, SHORT, min(timeout, PATIENT))


def forced_service(world: World) -> ErasureService:
    """Return a service that would wait for an hour for what nobody does, if it were not forced."""
    parts = (world.settings, world.client, world.store, world.vault)
    return ErasureService(*parts, LONG, SHORT, LONG, forced_timeout=SHORT)


async def busy_merchants(world: World) -> None:
    """Let a merchant and its neighbour have reservations in Google, and a calendar that blocks."""
    await world.add_merchant()
    await world.add_merchant(merchant=NEIGHBOUR, email=NEIGHBOURS_EMAIL)
    for merchant in (MERCHANT, NEIGHBOUR):
        for name in ("R-1", "R-2"):
            await world.slotsync.report(snapshot(1, item(resources=[GUIDE.id]), name=name, merchant=merchant))
            await world.settled(1, name, merchant)
    BlockingCalendars(world.store, world.vault).replace(MERCHANT, TOUR, [PickableCalendar(id=EMAIL, name="Own")])
    await signal_availability(world.client, MERCHANT, TOUR.id)
    await signal_connection(world.client, MERCHANT, "granted")


async def runs(world: World, merchant: str) -> set[str]:
    return {each.id async for each in world.client.list_workflows(workflows_of(merchant))}


async def without_runs(world: World, merchant: str) -> None:
    async def gone() -> bool:
        return not await runs(world, merchant)

    await until(gone)


async def test_a_merchant_is_erased_everywhere_and_its_neighbour_is_left_alone(world: World) -> None:
    async with world.working():
        await busy_merchants(world)
        impatient = ErasureService(world.settings, world.client, world.store, world.vault, index_timeout=timedelta())
        receipt = await impatient.erase_merchant(MERCHANT, google=True)
        assert receipt.remains == (*ELSEWHERE, STILL_IN_TEMPORAL)
        await without_runs(world, MERCHANT)
        again = await service(world).erase_merchant(MERCHANT, google=True)
        assert (again.workflows, again.rows, again.remains) == (receipt.workflows, receipt.rows, ELSEWHERE)
        assert {name: receipt.rows[name] for name in ("merchant", "reservation", "owner", "synced_event")} == {
            "merchant": 1,
            "reservation": 2,
            "owner": 2,
            "synced_event": 4,
        }
        assert receipt.workflows >= 6
        assert receipt.google == ()
        assert not Erasures(world.store).is_anything_stored(MERCHANT)
        assert await world.calendars() == {}
        assert await world.calls("oauth2.revoke") == 1
        assert not [name for name, text in (await export_histories(world.client)).items() if MERCHANT in name + text]
        await world.slotsync.report(snapshot(2, name="R-1", merchant=NEIGHBOUR))
        await world.settled(2, "R-1", NEIGHBOUR)
        assert await world.titles(TOUR, NEIGHBOURS_EMAIL) == ["v1", "v2"]


async def test_what_is_in_google_stays_unless_it_is_to_go(world: World) -> None:
    async with world.working():
        await busy_merchants(world)
        receipt = await service(world).erase_merchant(MERCHANT, google=False)
    assert "2 calendars stay in Google Calendar" in receipt.google[0]
    assert await world.titles() == ["v1", "v1"]
    assert await world.calls("oauth2.revoke") == 1


async def test_our_events_go_from_a_calendar_that_stays_because_of_the_merchants_own(world: World) -> None:
    async with world.working():
        await busy_merchants(world)
        calendar = (await world.calendars())[TOUR.id]
        own = {"summary": "Mine", "start": {"date": "2027-07-01"}, "end": {"date": "2027-07-02"}}
        by_hand = f"/sandbox/accounts/{EMAIL}/calendars/{calendar}/events"
        (await world.http.post(by_hand, json=own)).raise_for_status()
        receipt = await service(world).erase_merchant(MERCHANT, google=True)
    assert "1 calendars stay in Google Calendar" in receipt.google[0]
    assert await world.titles() == ["Mine"]


async def late_signals(world: World) -> None:
    """Send what processes may send that were slow, and store what an attempt may store that ends late."""
    request = CalendarRequest(merchant=MERCHANT, owner=TOUR)
    await signal_reservation(world.client, ReservationKey(merchant=MERCHANT, reservation="R-1"))
    await signal_calendar(world.client, request, "needed")
    await signal_connection(world.client, MERCHANT, "granted")
    await signal_availability(world.client, MERCHANT, TOUR.id)
    SyncedEvents(world.store).mark(MERCHANT, "R-1", EventKey(item="1", owner=TOUR), SyncState.RETRYING, utc_now())


async def test_no_late_signal_no_sweep_and_no_report_brings_it_back(world: World) -> None:
    async with world.working():
        await busy_merchants(world)
        await service(world).erase_merchant(MERCHANT, google=True)
        await late_signals(world)
        with pytest.raises(Erased):
            await world.slotsync.report(snapshot(9))
        await until(lambda: indexed(world))
        await sweep(world, everything=True)
        await without_runs(world, MERCHANT)
        assert not Erasures(world.store).is_anything_stored(MERCHANT)
        assert await world.calendars() == {}
        with world.store.write() as connection:
            connection.execute(update(table_of(ErasureRow)).values(repeat_until=utc_now()))
        await sweep(world)
        assert Erasures(world.store).find() == []
        await world.add_merchant(TOUR)
        await world.slotsync.report(snapshot(1))
        await world.settled(1)


async def indexed(world: World) -> bool:
    """Return whether Temporal's index knows the workflows that the late signals have started."""
    return len(await runs(world, MERCHANT)) == 4


async def in_the_bin(world: World) -> list[str]:
    """Return the titles of the deleted events in the tour's calendar, which people can restore."""
    calendar = (await world.calendars())[TOUR.id]
    address = f"/sandbox/accounts/{EMAIL}/calendars/{calendar}/events"
    answer = await world.http.get(address, params={"showDeleted": "true"})
    return [each["summary"] for each in answer.raise_for_status().json()["items"] if each["status"] == "cancelled"]


async def test_a_reservation_is_erased_with_its_events(world: World) -> None:
    async with world.working():
        await busy_merchants(world)
        receipt = await service(world).erase_reservation(MERCHANT, "R-1", google=True)
        assert (receipt.rows["reservation"], receipt.rows["synced_event"], receipt.google) == (1, 2, ())
        assert await world.titles() == await world.titles(GUIDE) == ["v1"]
        assert await in_the_bin(world) == ["Reservation R-1"], "Google keeps nothing that was said in it"
        assert await world.slotsync.status(MERCHANT, "R-1") is None
        with pytest.raises(Erased):
            await world.slotsync.report(snapshot(1))
        await world.slotsync.report(snapshot(2, name="R-2"))
        await world.settled(2, "R-2")


async def test_events_of_an_erased_reservation_stay_unless_they_are_to_go(world: World) -> None:
    async with world.working():
        await busy_merchants(world)
        receipt = await service(world).erase_reservation(MERCHANT, "R-1", google=False)
    assert receipt.google == ("2 events stay in the calendars of product:sunset-tour, resource:guide-1.",)
    assert await world.titles() == ["v1", "v1"]


@pytest.mark.parametrize(("reservation", "expected"), [(None, "may still be there"), ("R-1", "2 events stay")])
async def test_nothing_is_deleted_before_google_has_answered_unless_it_is_forced(
    world: World, reservation: str | None, expected: str
) -> None:
    async with world.working():
        await busy_merchants(world)

    async def erase(*, force: bool) -> tuple[str, ...]:
        eraser = forced_service(world) if force else service(world, SHORT)
        if reservation is None:
            return (await eraser.erase_merchant(MERCHANT, google=True, force=force)).google
        return (await eraser.erase_reservation(MERCHANT, reservation, google=True, force=force)).google

    with pytest.raises(ErasureHeldUp, match="no worker runs"):
        await erase(force=False)
    assert Reservations(world.store, world.vault).get(MERCHANT, "R-1")
    async with asyncio.timeout(PATIENT.total_seconds() * 3):
        assert expected in (await erase(force=True))[0]
    assert not Erasures(world.store).is_anything_stored(MERCHANT, reservation)
    assert await world.calls("oauth2.revoke") == (1 if reservation is None else 0)


async def test_nothing_is_erased_of_what_is_not_known(world: World) -> None:
    with pytest.raises(UnknownSubject):
        await service(world).erase_merchant("nobody", google=False)
    with pytest.raises(UnknownSubject):
        await service(world).erase_reservation("nobody", "R-1", google=False)
