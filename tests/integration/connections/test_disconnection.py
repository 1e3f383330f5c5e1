"""Disconnection: with calendars kept or deleted, with a valid grant or a lost one."""

import asyncio
from functools import partial

import pytest
from sqlalchemy import text

from slotsync.domain.connections.connection import ConnectionState
from slotsync.domain.connections.disconnection import CalendarChoice, DisconnectionResult
from slotsync.domain.connections.messages import ConnectionStep
from slotsync.domain.workflow_ids import connection_id
from slotsync.errors import GrantLost
from slotsync.store.calendars.managed_calendars import ManagedCalendars
from slotsync.store.connections.connection_intents import ConnectionIntents
from slotsync.store.connections.connections import Connections
from slotsync.temporal.signals import signal_connection
from tests.support.connection_harness import OTHER, ConnectionHarness
from tests.support.managed_calendars import workflow_handle
from tests.support.opened_channels import stopped, watched
from tests.support.parked_reservations import open_tours, report_reservations, until_all_settled, until_parked
from tests.support.push_receiver import PushReceiver
from tests.support.samples import EMAIL, MERCHANT, TOUR
from tests.support.two_calendars import look_at_the_calendar, out_of_reach, titles_in, until_titles_in
from tests.support.waiting import until, wait_until
from tests.support.world import World
from workflows.calendar import ManagedCalendarWorkflow

pytestmark = pytest.mark.anyio


async def connect_and_report(connecting_merchant: ConnectionHarness) -> World:
    """Connect the merchant, and report two reservations to its calendar."""
    await open_tours(connecting_merchant.world)
    await connecting_merchant.connected()
    await report_reservations(connecting_merchant.world, 1, 2)
    await until_all_settled(connecting_merchant.world, 1, 2)
    await until(partial(has_looked, connecting_merchant.world))
    assert secrets_left(connecting_merchant.world)
    return connecting_merchant.world


async def has_looked(world: World) -> bool:
    """Return whether no call to the tour's calendar is under way: the grant was served, and its workflow rests."""
    if ConnectionIntents(world.store).plan(MERCHANT).step is not ConnectionStep.WAIT:
        return False
    progress = await workflow_handle(world, TOUR).query(ManagedCalendarWorkflow.progress)
    return progress.doing == "The calendar is as it should be"


async def disconnect_merchant(connecting_merchant: ConnectionHarness, calendars: CalendarChoice) -> DisconnectionResult:
    result = await connecting_merchant.service.disconnect(MERCHANT, calendars)
    assert result is not None
    view = await connecting_merchant.service.view(MERCHANT)
    assert (view.state, view.account, view.granted) == (ConnectionState.DISCONNECTED, None, ())
    return result


def secrets_left(world: World) -> list[object]:
    with world.store.read() as session:
        columns = "refresh_token, access_token, account_email"
        return [
            each
            for row in session.connection().execute(text(f"SELECT {columns} FROM connection"))
            for each in row
            if each
        ]


async def test_calendars_are_deleted_and_the_grant_is_given_back(connecting_merchant: ConnectionHarness) -> None:
    async with connecting_merchant.world.working():
        world = await connect_and_report(connecting_merchant)
        result = await disconnect_merchant(connecting_merchant, CalendarChoice.DELETE)
        assert (result.deleted, result.left, result.grant_ended, result.notes) == ((TOUR,), (), True, ())
        await until_parked(world, 2)
    assert await world.calendars() == {}
    assert await connecting_merchant.calls("oauth2.revoke") == 1
    assert secrets_left(world) == []


async def test_calendars_that_are_kept_stay_as_they_were(connecting_merchant: ConnectionHarness) -> None:
    async with connecting_merchant.world.working():
        world = await connect_and_report(connecting_merchant)
        result = await disconnect_merchant(connecting_merchant, CalendarChoice.KEEP)
        assert (result.deleted, result.left, result.grant_ended) == ((), (TOUR,), True)
        assert "stay in Google Calendar" in result.notes[0]
        await report_reservations(world, 2, 2)
        await until_parked(world, 2)
    assert await world.titles() == ["v1", "v1"]


async def test_a_merchant_with_a_lost_grant_can_disconnect(connecting_merchant: ConnectionHarness) -> None:
    async with connecting_merchant.world.working():
        world = await connect_and_report(connecting_merchant)
        await connecting_merchant.revoke()
        result = await disconnect_merchant(connecting_merchant, CalendarChoice.DELETE)
    assert (result.deleted, result.left) == ((), (TOUR,))
    assert "Delete them there" in result.notes[0]
    assert secrets_left(world) == []


async def test_a_grant_that_is_lost_during_a_disconnection_does_not_hold_it_up(
    connecting_merchant: ConnectionHarness,
) -> None:
    async with connecting_merchant.world.working():
        world = await connect_and_report(connecting_merchant)
        await world.fault(method="oauth2.revoke", kind="slow", seconds=2, count=1)
        leaving = asyncio.create_task(connecting_merchant.service.disconnect(MERCHANT, CalendarChoice.KEEP))

        async def on_the_way() -> bool:
            return (await connecting_merchant.service.view(MERCHANT)).state is ConnectionState.DISCONNECTED

        await until(on_the_way)
        await signal_connection(world.client, MERCHANT, "revoked")
        assert await leaving is not None


async def test_a_merchant_that_was_never_connected_gets_that_answer(connecting_merchant: ConnectionHarness) -> None:
    async with connecting_merchant.world.working():
        result = await connecting_merchant.service.disconnect(MERCHANT, CalendarChoice.DELETE)
    assert result == DisconnectionResult(notes=("There was no connection.",))


async def test_a_calendar_with_events_of_the_merchants_own_is_left_without_ours(
    connecting_merchant: ConnectionHarness,
) -> None:
    async with connecting_merchant.world.working():
        world = await connect_and_report(connecting_merchant)
        (calendar,) = (await world.calendars()).values()
        own = {"summary": "Mine", "start": {"date": "2027-07-01"}, "end": {"date": "2027-07-02"}}
        by_hand = f"/sandbox/accounts/{EMAIL}/calendars/{calendar}/events"
        (await world.http.post(by_hand, json=own)).raise_for_status()
        result = await disconnect_merchant(connecting_merchant, CalendarChoice.DELETE)
    assert result.left == (TOUR,)
    assert await world.titles() == ["Mine"]


@pytest.mark.parametrize("role", ["none", "freeBusyReader"])
async def test_a_calendar_out_of_reach_is_told_as_such_and_loses_our_events_once_it_is_back(
    connecting_merchant: ConnectionHarness, role: str
) -> None:
    async with connecting_merchant.world.working():
        world = await connect_and_report(connecting_merchant)
        former = (await world.calendars())[TOUR.id]
        async with out_of_reach(world, former, role):
            result = await disconnect_merchant(connecting_merchant, CalendarChoice.DELETE)
            assert (result.deleted, result.left, result.out_of_reach) == ((), (), (TOUR,))
            assert "1 calendars are out of reach: they were deleted in Google before" in result.notes[0]
            workflow = world.client.get_workflow_handle(connection_id(MERCHANT))
            assert "calendars are out of reach" in str(await workflow.query("__temporal_workflow_metadata"))
            await connecting_merchant.connected()
            await until(partial(is_made_anew, world, former))
        await look_at_the_calendar(world)
        await until_titles_in(world, former, [])


async def is_made_anew(world: World, former: str) -> bool:
    calendar = ManagedCalendars(world.store).get_calendars(MERCHANT, [TOUR])[0].calendar_id or former
    return calendar != former and await titles_in(world, calendar) == ["v1", "v1"]


async def test_a_calendar_is_told_as_deleted_if_the_answer_was_lost(
    connecting_merchant: ConnectionHarness,
) -> None:
    async with connecting_merchant.world.working():
        world = await connect_and_report(connecting_merchant)
        await world.fault(method="calendars.delete", kind="lost_response", count=1)
        result = await disconnect_merchant(connecting_merchant, CalendarChoice.DELETE)
    assert (result.deleted, result.out_of_reach) == ((TOUR,), ())


async def test_our_events_come_back_to_a_calendar_that_was_left(connecting_merchant: ConnectionHarness) -> None:
    async with connecting_merchant.world.working():
        world = await connect_and_report(connecting_merchant)
        (calendar,) = (await world.calendars()).values()
        own = {"summary": "Mine", "start": {"date": "2027-07-01"}, "end": {"date": "2027-07-02"}}
        by_hand = f"/sandbox/accounts/{EMAIL}/calendars/{calendar}/events"
        (await world.http.post(by_hand, json=own)).raise_for_status()
        await disconnect_merchant(connecting_merchant, CalendarChoice.DELETE)
        await connecting_merchant.connected()

        async def written() -> bool:
            return await world.titles() == ["Mine", "v1", "v1"]

        await until(written)


async def test_deletions_that_google_refuses_for_a_while_are_repeated(connecting_merchant: ConnectionHarness) -> None:
    async with connecting_merchant.world.working():
        world = await connect_and_report(connecting_merchant)
        await world.fault(method="calendars.delete", kind="backendError", count=2)
        result = await disconnect_merchant(connecting_merchant, CalendarChoice.DELETE)
    assert result.deleted == (TOUR,)
    assert await world.calendars() == {}


async def test_coming_back_after_leaving_writes_everything_again(connecting_merchant: ConnectionHarness) -> None:
    async with connecting_merchant.world.working():
        world = await connect_and_report(connecting_merchant)
        await disconnect_merchant(connecting_merchant, CalendarChoice.DELETE)
        await until_parked(world, 2)
        await connecting_merchant.connected(OTHER)

        async def written() -> bool:
            return await world.titles(email=OTHER) == ["v1", "v1"]

        await until(written)


async def test_the_grant_of_another_merchant_with_the_same_account_stays_valid(
    connecting_merchant: ConnectionHarness,
) -> None:
    async with connecting_merchant.world.working():
        world = await connect_and_report(connecting_merchant)
        await connecting_merchant.connected(EMAIL, merchant="neighbour")
        result = await disconnect_merchant(connecting_merchant, CalendarChoice.KEEP)
    assert not result.grant_ended
    assert "Another merchant" in result.notes[-1]
    assert await connecting_merchant.calls("oauth2.revoke") == 0
    connections = Connections(world.store, world.vault)
    neighbour = connections.get_active_id("neighbour")
    assert neighbour
    assert connections.grant(neighbour).refresh_token


def left_of(world: World) -> list[int]:
    tables = ("push_channel", "watched_calendar", "watched_account")
    with world.store.read() as session:
        return [session.connection().execute(text(f"SELECT count(*) FROM {each}")).scalar_one() for each in tables]


async def test_channels_are_stopped_before_the_grant_is_revoked(
    connecting_merchant: ConnectionHarness, push_receiver: PushReceiver
) -> None:
    async with connecting_merchant.world.working():
        world = await connect_and_report(connecting_merchant)
        await asyncio.to_thread(watched, world, push_receiver, MERCHANT)
        assert (await disconnect_merchant(connecting_merchant, CalendarChoice.KEEP)).grant_ended
    assert await stopped(world) == [204]
    assert left_of(world) == [0, 0, 0]


async def test_a_channel_that_cannot_be_stopped_keeps_no_grant_from_being_given_back(
    connecting_merchant: ConnectionHarness, push_receiver: PushReceiver
) -> None:
    async with connecting_merchant.world.working():
        world = await connect_and_report(connecting_merchant)
        await asyncio.to_thread(watched, world, push_receiver, MERCHANT)
        await world.fault(method="channels.stop", kind="backendError", count=100)
        assert (await disconnect_merchant(connecting_merchant, CalendarChoice.KEEP)).grant_ended
    assert await stopped(world) == [500]
    assert left_of(world) == [0, 0, 0]


async def test_a_merchant_who_connects_again_while_channels_are_stopped_keeps_the_new_grant(
    connecting_merchant: ConnectionHarness, push_receiver: PushReceiver
) -> None:
    async with connecting_merchant.world.working():
        world = await connect_and_report(connecting_merchant)
        await asyncio.to_thread(watched, world, push_receiver, MERCHANT)
        await world.fault(method="channels.stop", kind="slow", seconds=8, count=1)
        leaving = asyncio.create_task(connecting_merchant.service.disconnect(MERCHANT, CalendarChoice.KEEP))

        async def stopping() -> bool:
            return "end_grant" in await pending_activities(world)

        await until(stopping)
        await connecting_merchant.connected()
        await leaving
    assert await connecting_merchant.calls("oauth2.revoke") == 0
    assert (await connecting_merchant.service.view(MERCHANT)).state is ConnectionState.ACTIVE


async def pending_activities(world: World) -> list[str]:
    """Return the names of the activities of the connection's workflow that a worker has begun."""
    described = await world.client.get_workflow_handle(connection_id(MERCHANT)).describe()
    pending = described.raw_description.pending_activities
    return [each.activity_type.name for each in pending if each.HasField("last_started_time")]


async def test_of_a_shared_account_only_the_own_channels_are_stopped(
    connecting_merchant: ConnectionHarness, push_receiver: PushReceiver
) -> None:
    async with connecting_merchant.world.working():
        world = await connect_and_report(connecting_merchant)
        await connecting_merchant.connected(EMAIL, merchant="neighbour")
        channels = await asyncio.to_thread(watched, world, push_receiver, MERCHANT, "neighbour")
        assert not (await disconnect_merchant(connecting_merchant, CalendarChoice.KEEP)).grant_ended
    assert await stopped(world) == [204]
    assert left_of(world) == [1, 1, 1]
    push_receiver.received.clear()
    event = {"summary": "Doctor", "start": {"date": "2027-07-01"}, "end": {"date": "2027-07-02"}}
    (await world.http.post(f"/sandbox/accounts/{EMAIL}/calendars/primary/events", json=event)).raise_for_status()
    await asyncio.to_thread(wait_until, lambda: bool(push_receiver.received))
    assert [message["x-goog-channel-id"] for message in push_receiver.received] == [channels["neighbour"].id]


async def test_the_grant_is_not_used_once_a_disconnection_has_begun(connecting_merchant: ConnectionHarness) -> None:
    async with connecting_merchant.world.working():
        world = await connect_and_report(connecting_merchant)
        connections = Connections(world.store, world.vault)
        connection = connections.get_active_id(MERCHANT)
        assert connection
        await disconnect_merchant(connecting_merchant, CalendarChoice.KEEP)
        with pytest.raises(GrantLost) as raised:
            connections.grant(connection)
    assert raised.value.reason == "disconnected"
