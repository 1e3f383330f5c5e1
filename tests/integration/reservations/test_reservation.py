import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.client import WorkflowExecutionStatus

from slotsync.domain.calendars.owner import Owner, OwnerSettings
from slotsync.domain.connections.messages import Granted
from slotsync.domain.workflow_ids import reservation_id
from slotsync.temporal.signals import signal_connection
from tests.support.samples import GUIDE, MERCHANT, TOUR, item, snapshot
from tests.support.waiting import until
from tests.support.world import World

pytestmark = pytest.mark.anyio

BOAT = Owner.resource("boat-1")


@pytest.fixture
async def shop(world: World) -> World:
    await world.open_shop(TOUR, GUIDE, BOAT)
    return world


async def test_a_booking_appears_in_the_calendars_of_its_product_and_resources(shop: World) -> None:
    async with shop.working():
        await shop.slotsync.report(snapshot(1, item(resources=["guide-1"]), title="Two guests"))
        await shop.settled(1)
    assert await shop.titles(TOUR) == ["Two guests"]
    assert await shop.titles(GUIDE) == ["Two guests"]
    assert await shop.events(BOAT) == []


async def test_a_cancelled_booking_vanishes_and_its_workflow_ends(shop: World) -> None:
    async with shop.working():
        await shop.slotsync.report(snapshot(1, item(resources=["guide-1"])))
        await shop.settled(1)
        await shop.slotsync.cancel(MERCHANT, "R-1", version=2)
        ended = await shop.client.get_workflow_handle(reservation_id(MERCHANT, "R-1")).result()
    assert ended == "Closed at version 2: cancelled"
    assert await shop.events(TOUR) == []
    assert await shop.events(GUIDE) == []


async def test_items_and_resources_that_come_and_go_move_events_between_calendars(shop: World) -> None:
    async with shop.working():
        await shop.slotsync.report(snapshot(1, item(resources=["guide-1"])))
        await shop.settled(1)
        await shop.slotsync.report(snapshot(2, item(resources=["boat-1"]), item(day=3), title="Moved"))
        await shop.settled(2)
    assert await shop.events(GUIDE) == []
    assert await shop.titles(BOAT) == ["Moved"]
    assert await shop.titles(TOUR) == ["Moved", "Moved"]


async def test_a_booking_that_was_cancelled_can_be_taken_up_again(shop: World) -> None:
    async with shop.working():
        for version, status in enumerate(("confirmed", "cancelled", "confirmed", "cancelled", "tentative"), 1):
            await shop.slotsync.report(snapshot(version, status=status))
            await shop.settled(version)
    (event,) = await shop.events(TOUR)
    assert (event["summary"], event["status"]) == ("v5", "tentative")


async def test_a_hundred_quick_changes_cause_at_most_three_writes(shop: World) -> None:
    async with shop.working():
        for version in range(1, 101):
            await shop.slotsync.report(snapshot(version))
        await shop.settled(100)
    assert await shop.titles() == ["v100"]
    assert await shop.writes() <= 3


async def test_a_stale_version_changes_nothing(shop: World) -> None:
    async with shop.working():
        await shop.slotsync.report(snapshot(7))
        await shop.settled(7)
        before = await shop.writes()
        told = await shop.slotsync.report(snapshot(6))
        assert (told.superseded, told.version) == (True, 7)
        await shop.client.get_workflow_handle(reservation_id(MERCHANT, "R-1")).signal("report", snapshot(5))
        await shop.slotsync.report(snapshot(8, title="v7"))
        await shop.settled(8)
    assert await shop.titles() == ["v7"]
    assert await shop.writes() == before


async def test_a_stale_version_that_starts_a_workflow_of_its_own_changes_nothing(shop: World) -> None:
    async with shop.working():
        await shop.slotsync.report(snapshot(1))
        await shop.settled(1)
        await shop.slotsync.cancel(MERCHANT, "R-1", version=3)
        handle = shop.client.get_workflow_handle(reservation_id(MERCHANT, "R-1"))
        await handle.result()
        await shop.slotsync._signal(snapshot(2))  # past the look that the client takes first
        late = shop.client.get_workflow_handle(reservation_id(MERCHANT, "R-1"))
        assert await late.result() == "Closed at version 2: a newer version is known"
    assert await shop.events() == []


async def test_a_late_change_starts_again_and_finds_its_event(shop: World) -> None:
    over = datetime.now(UTC) - timedelta(days=9)
    past = item().model_copy(update={"start": over, "end": over + timedelta(hours=1)})
    async with shop.working():
        for version in (1, 2):
            await shop.slotsync.report(snapshot(version, past))
            handle = shop.client.get_workflow_handle(reservation_id(MERCHANT, "R-1"))
            assert await handle.result() == f"Closed at version {version}: over"
    assert await shop.titles() == ["v2"]
    assert await shop.writes() == 2


async def test_many_reservations_at_once_get_one_calendar(shop: World) -> None:
    async with shop.working():
        reports = [snapshot(1, item(resources=["guide-1"]), name=f"R-{number}") for number in range(40)]
        await asyncio.gather(*(shop.slotsync.report(report) for report in reports))
        for report in reports:
            await shop.settled(1, report.id)
    calls = (await shop.http.get("/sandbox/calls")).json()["totals"]
    assert calls["calendars.insert"] == 2
    assert len(await shop.events(TOUR)) == len(await shop.events(GUIDE)) == 40


async def test_a_reservation_of_an_unknown_product_is_not_synced_and_says_so(shop: World) -> None:
    async with shop.working():
        await shop.slotsync.report(snapshot(1, item(product="unheard-of")))
        await shop.settled(1)
        standing = await shop.slotsync.status(MERCHANT, "R-1")
    assert standing is not None
    assert [(event.owner, event.state) for event in standing.events] == [("product:unheard-of", "not_synced")]


async def test_a_dead_grant_parks_and_a_new_one_goes_on(shop: World) -> None:
    async with shop.working():
        await shop.slotsync.report(snapshot(1))
        await shop.settled(1)
        await shop.http.post("/sandbox/accounts/kayaks@gmail.example/revoke")
        await shop.slotsync.report(snapshot(2))
        handle = shop.client.get_workflow_handle(reservation_id(MERCHANT, "R-1"))

        async def parked() -> bool:
            standing = await shop.slotsync.status(MERCHANT, "R-1")
            return standing is not None and [event.state for event in standing.events] == ["parked"]

        await until(parked)
        calls = await shop.writes()
        await shop.slotsync.report(snapshot(3))
        await until(parked)
        assert await shop.writes() == calls, "no attempt is burnt while parked"
        await shop.connect()
        await handle.signal("look_again")
        await shop.settled(3)
    assert await shop.titles() == ["v3"]


async def test_a_reservation_without_connection_waits_for_one(world: World) -> None:
    async with world.working():
        await world.slotsync.put_owner("nobody", TOUR, OwnerSettings(name="sunset-tour"))
        await world.slotsync.report(snapshot(1, merchant="nobody"))

        async def held() -> bool:
            standing = await world.slotsync.status("nobody", "R-1")
            return standing is not None and [event.state for event in standing.events] == ["parked"]

        await until(held)
        await world.connect("nobody", "nobody@gmail.example")
        await signal_connection(world.client, "nobody", Granted())
        await world.settled(1, merchant="nobody")
    assert await world.titles(email="nobody@gmail.example") == ["v1"]


async def test_a_calendar_that_was_deleted_by_hand_comes_back_with_the_next_write(shop: World) -> None:
    async with shop.working():
        await shop.slotsync.report(snapshot(1))
        await shop.settled(1)
        (deleted,) = (await shop.calendars()).values()
        await shop.http.delete(f"/sandbox/accounts/kayaks@gmail.example/calendars/{deleted}")
        await shop.slotsync.report(snapshot(2))
        await shop.settled(2)
        (made,) = (await shop.calendars()).values()
    assert made != deleted
    assert await shop.titles() == ["v2"]


async def test_operators_see_whose_it_is_and_what_it_does(shop: World) -> None:
    async with shop.working():
        await shop.slotsync.report(snapshot(1, item(resources=["guide-1"])))
        await shop.settled(1)
        handle = shop.client.get_workflow_handle(reservation_id(MERCHANT, "R-1"))

        async def shown() -> bool:
            attributes = (await handle.describe()).typed_search_attributes
            told = {pair.key.name: pair.value for pair in attributes}
            return told.get("SlotsyncHealth") == "in_step" and told["SlotsyncMerchant"] == MERCHANT

        await until(shown)
        described = await handle.describe()
        assert described.status is WorkflowExecutionStatus.RUNNING
        assert await described.static_summary() == "Reservation R-1 of arctic-kayaks"
        history = await handle.fetch_history()
    summaries = [event.user_metadata.summary.data for event in history.events if event.HasField("user_metadata")]
    assert b'"Put 1@product:sunset-tour, version 1"' in summaries, "readable in the UI, although the rest is sealed"


async def test_nothing_of_a_guest_is_readable_in_temporals_history(shop: World) -> None:
    guest = {"name": "Aino Virtanen", "email": "aino@example.com"}
    async with shop.working():
        await shop.slotsync.report(snapshot(1, title="Aino and Eino", guest=guest, notes="Nut allergy"))
        await shop.settled(1)
        handle = shop.client.get_workflow_handle(reservation_id(MERCHANT, "R-1"))
        history = await handle.fetch_history()
    told = b"".join(event.SerializeToString() for event in history.events)
    assert b"sunset-tour" in told
    assert not any(word in told for word in (b"Aino", b"example.com", b"allergy"))
