"""A merchant leaves: with calendars kept or deleted, with a living grant or a dead one."""

import pytest
from sqlalchemy import text

from slotsync.errors import GrantLost
from slotsync.rules.connection import ConnectionState
from slotsync.rules.departure import Farewell, LeftCalendars
from slotsync.store import Connections
from tests.connections.conftest import OTHER, Office
from tests.connections.test_resuming import all_settled, open_tours, parked, report
from tests.world import EMAIL, MERCHANT, TOUR, World, until

pytestmark = pytest.mark.anyio


async def served(office: Office) -> World:
    """A connected merchant with two reservations in its calendar."""
    await open_tours(office.world)
    await office.connected()
    await report(office.world, 1, 2)
    await all_settled(office.world, 1, 2)
    return office.world


async def gone(office: Office, calendars: LeftCalendars) -> Farewell:
    farewell = await office.connecting.disconnect(MERCHANT, calendars)
    assert farewell is not None
    view = await office.connecting.view(MERCHANT)
    assert (view.state, view.account, view.granted) == (ConnectionState.DISCONNECTED, None, ())
    return farewell


def secrets_left(world: World) -> list[object]:
    with world.store.read() as session:
        columns = "refresh_token, access_token, account_email"
        return [
            each
            for row in session.connection().execute(text(f"SELECT {columns} FROM connection"))
            for each in row
            if each
        ]


async def test_calendars_are_deleted_and_the_grant_is_given_back(office: Office) -> None:
    async with office.world.working():
        world = await served(office)
        farewell = await gone(office, LeftCalendars.DELETE)
        assert (farewell.deleted, farewell.left, farewell.grant_ended, farewell.notes) == ((TOUR,), (), True, ())
        await parked(world, 2)
    assert await world.calendars() == {}
    assert await office.calls("oauth2.revoke") == 1
    assert secrets_left(world) == []


async def test_calendars_that_are_kept_stay_as_they_were(office: Office) -> None:
    async with office.world.working():
        world = await served(office)
        farewell = await gone(office, LeftCalendars.KEEP)
        assert (farewell.deleted, farewell.left, farewell.grant_ended) == ((), (TOUR,), True)
        assert "stay in Google Calendar" in farewell.notes[0]
        await report(world, 2, 2)
        await parked(world, 2)
    assert await world.titles() == ["v1", "v1"]


async def test_a_dead_grant_does_not_keep_anyone_from_leaving(office: Office) -> None:
    async with office.world.working():
        world = await served(office)
        await office.revoke()
        farewell = await gone(office, LeftCalendars.DELETE)
    assert (farewell.deleted, farewell.left) == ((), (TOUR,))
    assert "Delete them there" in farewell.notes[0]
    assert secrets_left(world) == []


async def test_whoever_was_never_connected_is_told_so(office: Office) -> None:
    async with office.world.working():
        farewell = await office.connecting.disconnect(MERCHANT, LeftCalendars.DELETE)
    assert farewell == Farewell(notes=("There was no connection.",))


async def test_a_calendar_with_events_of_the_merchants_own_is_left(office: Office) -> None:
    async with office.world.working():
        world = await served(office)
        (calendar,) = (await world.calendars()).values()
        own = {"summary": "Mine", "start": {"date": "2027-07-01"}, "end": {"date": "2027-07-02"}}
        by_hand = f"/sandbox/accounts/{EMAIL}/calendars/{calendar}/events"
        (await world.http.post(by_hand, json=own)).raise_for_status()
        farewell = await gone(office, LeftCalendars.DELETE)
    assert farewell.left == (TOUR,)
    assert "Mine" in await world.titles()


async def test_deletions_that_google_refuses_for_a_while_are_repeated(office: Office) -> None:
    async with office.world.working():
        world = await served(office)
        await world.fault(method="calendars.delete", kind="backendError", count=2)
        farewell = await gone(office, LeftCalendars.DELETE)
    assert farewell.deleted == (TOUR,)
    assert await world.calendars() == {}


async def test_coming_back_after_leaving_writes_everything_again(office: Office) -> None:
    async with office.world.working():
        world = await served(office)
        await gone(office, LeftCalendars.DELETE)
        await parked(world, 2)
        await office.connected(OTHER)

        async def written() -> bool:
            return await world.titles(email=OTHER) == ["v1", "v1"]

        await until(written)


async def test_the_grant_of_another_merchant_with_the_same_account_lives_on(office: Office) -> None:
    async with office.world.working():
        world = await served(office)
        await office.connected(EMAIL, merchant="neighbour")
        farewell = await gone(office, LeftCalendars.KEEP)
    assert not farewell.grant_ended
    assert "Another merchant" in farewell.notes[-1]
    assert await office.calls("oauth2.revoke") == 0
    connections = Connections(world.store, world.vault)
    neighbour = connections.active_id("neighbour")
    assert neighbour
    assert connections.grant(neighbour).refresh_token


async def test_nobody_uses_the_grant_from_the_moment_of_leaving(office: Office) -> None:
    async with office.world.working():
        world = await served(office)
        connections = Connections(world.store, world.vault)
        connection = connections.active_id(MERCHANT)
        assert connection
        await gone(office, LeftCalendars.KEEP)
        with pytest.raises(GrantLost) as raised:
            connections.grant(connection)
    assert raised.value.reason == "disconnected"
