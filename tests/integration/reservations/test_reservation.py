import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowExecutionStatus, WorkflowHandle

from slotsync.domain.calendars.owner import Owner, OwnerSettings
from slotsync.domain.reservations.messages import ReportedVersion
from slotsync.domain.workflow_ids import reservation_id
from slotsync.temporal.signals import signal_connection, signal_report
from tests.support.samples import GUIDE, MERCHANT, TOUR, item, settings_of, snapshot
from tests.support.waiting import until
from tests.support.world import World

pytestmark = pytest.mark.anyio

BOAT = Owner.resource("boat-1")


@pytest.fixture
async def open_world(world: World) -> World:
    await world.add_merchant(TOUR, GUIDE, BOAT)
    return world


async def test_a_booking_appears_in_the_calendars_of_its_product_and_resources(open_world: World) -> None:
    async with open_world.working():
        await open_world.slotsync.report(snapshot(1, item(resources=["guide-1"]), title="Two guests"))
        await open_world.settled(1)
    assert await open_world.titles(TOUR) == ["Two guests"]
    assert await open_world.titles(GUIDE) == ["Two guests"]
    assert await open_world.events(BOAT) == []


async def test_a_cancelled_booking_vanishes_and_its_workflow_ends(open_world: World) -> None:
    async with open_world.working():
        await open_world.slotsync.report(snapshot(1, item(resources=["guide-1"])))
        await open_world.settled(1)
        await open_world.slotsync.cancel(MERCHANT, "R-1", version=2)
        ended = await open_world.client.get_workflow_handle(reservation_id(MERCHANT, "R-1")).result()
    assert ended == "Closed at version 2: cancelled"
    assert await open_world.events(TOUR) == []
    assert await open_world.events(GUIDE) == []


async def test_items_and_resources_that_come_and_go_move_events_between_calendars(open_world: World) -> None:
    async with open_world.working():
        await open_world.slotsync.report(snapshot(1, item(resources=["guide-1"])))
        await open_world.settled(1)
        await open_world.slotsync.report(snapshot(2, item(resources=["boat-1"]), item(day=3), title="Moved"))
        await open_world.settled(2)
    assert await open_world.events(GUIDE) == []
    assert await open_world.titles(BOAT) == ["Moved"]
    assert await open_world.titles(TOUR) == ["Moved", "Moved"]


async def test_a_booking_that_was_cancelled_can_be_taken_up_again(open_world: World) -> None:
    async with open_world.working():
        for version, status in enumerate(("confirmed", "cancelled", "confirmed", "cancelled", "tentative"), 1):
            await open_world.slotsync.report(snapshot(version, status=status))
            await open_world.settled(version)
    (event,) = await open_world.events(TOUR)
    assert (event["summary"], event["status"]) == ("v5", "tentative")


async def test_a_hundred_quick_changes_cause_no_more_writes_than_a_burst_of_their_length(open_world: World) -> None:
    async with open_world.working():
        began = time.monotonic()
        for version in range(1, 101):
            await open_world.slotsync.report(snapshot(version))
        lasted = time.monotonic() - began
        await open_world.settled(100)
    assert await open_world.titles() == ["v100"]
    assert await open_world.writes() <= 2 + lasted / open_world.settings.max_debounce.total_seconds()


async def test_a_stale_version_changes_nothing(open_world: World) -> None:
    async with open_world.working():
        await open_world.slotsync.report(snapshot(7))
        await open_world.settled(7)
        before = await open_world.writes()
        outcome = await open_world.slotsync.report(snapshot(6))
        assert (outcome.superseded, outcome.version) == (True, 7)
        handle = open_world.client.get_workflow_handle(reservation_id(MERCHANT, "R-1"))
        await handle.signal("report", ReportedVersion(version=5))
        await open_world.slotsync.report(snapshot(8, title="v7"))
        await open_world.settled(8)
    assert await open_world.titles() == ["v7"]
    assert await open_world.writes() == before


async def test_a_late_signal_that_starts_a_workflow_of_its_own_changes_nothing(open_world: World) -> None:
    async with open_world.working():
        await open_world.slotsync.report(snapshot(1))
        await open_world.settled(1)
        await open_world.slotsync.cancel(MERCHANT, "R-1", version=3)
        handle = open_world.client.get_workflow_handle(reservation_id(MERCHANT, "R-1"))
        await handle.result()
        await signal_report(open_world.client, snapshot(2))
        late = open_world.client.get_workflow_handle(reservation_id(MERCHANT, "R-1"))
        assert await late.result() == "Closed at version 3: cancelled"
    assert await open_world.events() == []


async def test_a_late_change_starts_again_and_finds_its_event(open_world: World) -> None:
    over = datetime.now(UTC) - timedelta(days=9)
    past = item().model_copy(update={"start": over, "end": over + timedelta(hours=1)})
    async with open_world.working():
        for version in (1, 2):
            await open_world.slotsync.report(snapshot(version, past))
            handle = open_world.client.get_workflow_handle(reservation_id(MERCHANT, "R-1"))
            assert await handle.result() == f"Closed at version {version}: over"
    assert await open_world.titles() == ["v2"]
    assert await open_world.writes() == 2


async def test_many_reservations_at_once_get_one_calendar(open_world: World) -> None:
    async with open_world.working():
        reports = [snapshot(1, item(resources=["guide-1"]), name=f"R-{number}") for number in range(15)]
        await asyncio.gather(*(open_world.slotsync.report(report) for report in reports))
        await open_world.at_rest(reports)
    calls = (await open_world.http.get("/sandbox/calls")).json()["totals"]
    assert calls["calendars.insert"] == 2
    assert len(await open_world.events(TOUR)) == len(await open_world.events(GUIDE)) == 15


@pytest.mark.parametrize("sync", [True, False])
async def test_a_reservation_of_an_unknown_product_says_so_until_the_product_is_put(
    open_world: World, sync: bool
) -> None:
    owner = Owner.product("unheard-of")
    async with open_world.working():
        await open_world.slotsync.report(snapshot(1, item(product="unheard-of")))

        async def said() -> bool:
            sync_status = await open_world.slotsync.status(MERCHANT, "R-1")
            return bool(sync_status and sync_status.events)

        await until(said)
        sync_status = await open_world.slotsync.status(MERCHANT, "R-1")
        assert sync_status is not None
        assert [(event.owner, event.state) for event in sync_status.events] == [(str(owner), "unknown_product")]
        assert not sync_status.settled
        assert "products" in sync_status.remedy
        await open_world.slotsync.put_owner(MERCHANT, owner, settings_of(owner, sync=sync))
        await open_world.settled(1)
    assert await open_world.titles(owner) == (["v1"] if sync else [])


async def test_a_dead_grant_parks_and_a_new_one_goes_on(open_world: World) -> None:
    async with open_world.working():
        await open_world.slotsync.report(snapshot(1))
        await open_world.settled(1)
        await open_world.http.post("/sandbox/accounts/kayaks@gmail.example/revoke")
        await open_world.slotsync.report(snapshot(2))
        handle = open_world.client.get_workflow_handle(reservation_id(MERCHANT, "R-1"))

        async def parked() -> bool:
            sync_status = await open_world.slotsync.status(MERCHANT, "R-1")
            return sync_status is not None and [event.state for event in sync_status.events] == ["parked"]

        await until(parked)
        calls = await open_world.writes()
        await open_world.slotsync.report(snapshot(3))
        await until(lambda: planned_since_the_last_signal(handle))
        await until(parked)
        assert await open_world.writes() == calls, "no attempt is burnt while parked"
        await open_world.connect()
        await handle.signal("look_again")
        await open_world.settled(3)
    assert await open_world.titles() == ["v3"]


async def planned_since_the_last_signal(handle: WorkflowHandle[Any, Any]) -> bool:
    """Return whether the workflow has made a plan (a local activity) after its last signal, and waits again."""
    types = [EventType.Name(event.event_type) for event in (await handle.fetch_history()).events]
    since = types[len(types) - types[::-1].index("EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED") :]
    return "EVENT_TYPE_MARKER_RECORDED" in since and since[-1] == "EVENT_TYPE_TIMER_STARTED"


async def test_a_reservation_without_connection_waits_for_one(world: World) -> None:
    async with world.working():
        await world.slotsync.put_owner("nobody", TOUR, OwnerSettings(name="sunset-tour"))
        await world.slotsync.report(snapshot(1, merchant="nobody"))

        async def until_parked() -> bool:
            sync_status = await world.slotsync.status("nobody", "R-1")
            return sync_status is not None and [event.state for event in sync_status.events] == ["parked"]

        await until(until_parked)
        await world.connect("nobody", "nobody@gmail.example")
        await signal_connection(world.client, "nobody", "granted")
        await world.settled(1, merchant="nobody")
    assert await world.titles(email="nobody@gmail.example") == ["v1"]


async def test_a_calendar_that_was_deleted_by_hand_comes_back_with_the_next_write(open_world: World) -> None:
    async with open_world.working():
        await open_world.slotsync.report(snapshot(1))
        await open_world.settled(1)
        (deleted,) = (await open_world.calendars()).values()
        await open_world.http.delete(f"/sandbox/accounts/kayaks@gmail.example/calendars/{deleted}")
        await open_world.slotsync.report(snapshot(2))
        await open_world.settled(2)
        (made,) = (await open_world.calendars()).values()
    assert made != deleted
    assert await open_world.titles() == ["v2"]


async def test_operators_see_merchant_and_activity_of_a_reservation(open_world: World) -> None:
    async with open_world.working():
        await open_world.slotsync.report(snapshot(1, item(resources=["guide-1"])))
        await open_world.settled(1)
        handle = open_world.client.get_workflow_handle(reservation_id(MERCHANT, "R-1"))

        async def shown() -> bool:
            attributes = (await handle.describe()).typed_search_attributes
            outcome = {pair.key.name: pair.value for pair in attributes}
            return outcome.get("SlotsyncHealth") == "in_step" and outcome["SlotsyncMerchant"] == MERCHANT

        await until(shown)
        described = await handle.describe()
        assert described.status is WorkflowExecutionStatus.RUNNING
        assert await described.static_summary() == "Reservation R-1 of arctic-kayaks"
        history = await handle.fetch_history()
    summaries = [event.user_metadata.summary.data for event in history.events if event.HasField("user_metadata")]
    assert b'"Put 1@product:sunset-tour, version 1"' in summaries, "readable in the UI"


async def test_nothing_of_a_guest_is_readable_in_temporals_history(open_world: World) -> None:
    guest = {"name": "Aino Virtanen", "email": "aino@example.com"}
    async with open_world.working():
        await open_world.slotsync.report(snapshot(1, title="Aino and Eino", guest=guest, notes="Nut allergy"))
        await open_world.settled(1)
        handle = open_world.client.get_workflow_handle(reservation_id(MERCHANT, "R-1"))
        history = await handle.fetch_history()
    outcome = b"".join(event.SerializeToString() for event in history.events)
    assert b"sunset-tour" in outcome
    assert not any(word in outcome for word in (b"Aino", b"example.com", b"allergy"))


async def test_the_longest_ids_are_written_too(world: World) -> None:
    """Clusters on PostgreSQL and MySQL take workflow ids of 255 characters; the server of the tests does, too."""
    merchant, reservation, tour = "m" * 128, "ж" * 64, Owner.product("p" * 128)
    await world.add_merchant(tour, merchant=merchant)
    async with world.working():
        await world.slotsync.report(snapshot(1, item(product=tour.id), name=reservation, merchant=merchant))
        await world.settled(1, reservation, merchant)
    assert await world.titles(tour) == ["v1"]
