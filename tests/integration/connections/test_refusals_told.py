"""Whatever is asked names the reason of a refused grant, and who can help: also later, and once it is forgotten."""

import pytest
from sqlalchemy import text

from slotsync.domain.connections.refused_grants import DAY, REFUSED_GRANT_RETENTION, STOPPED_REMEDY, remedy_for
from slotsync.domain.health import Health
from slotsync.domain.reservations.event import SyncState
from slotsync.domain.workflow_ids import reservation_id
from slotsync.store.connections.connection_intents import ConnectionIntents
from slotsync.temporal import search_attributes
from slotsync.temporal.signals import signal_connection
from starter.services.status import SyncStatus
from tests.support.refused_grants import flight, kept_tokens, refuse
from tests.support.samples import MERCHANT, TOUR, snapshot
from tests.support.waiting import until
from tests.support.world import World

pytestmark = pytest.mark.anyio

REASON = "admin_policy_enforced"


async def test_each_answer_names_who_can_help_with_a_refused_grant(world: World) -> None:
    await world.add_merchant(TOUR)
    async with world.working():
        await signal_connection(world.client, MERCHANT, "granted")
        await world.slotsync.report(snapshot(1))
        await world.settled(1)
        await refuse(world, REASON)
        await world.slotsync.report(snapshot(1, name="later"))

        async def parked_with_its_reason() -> bool:
            found = await status(world, "later")
            described = await world.client.get_workflow_handle(reservation_id(MERCHANT, "later")).describe()
            shown = described.typed_search_attributes
            return (
                [(event.state, event.last_error) for event in found.events] == [(SyncState.PARKED, REASON)]
                and shown.get(search_attributes.REASON) == REASON
                and shown.get(search_attributes.HEALTH) == Health.PARKED
            )

        await until(parked_with_its_reason)
        assert (await status(world, "later")).remedy == remedy_for(REASON)
        assert await told(world) == [remedy_for(REASON)]

        ConnectionIntents(world.store).stop(MERCHANT, world.store.now())
        assert [each.startswith(STOPPED_REMEDY) for each in await told(world)] == [True]
        assert (await status(world, "later")).remedy.startswith(STOPPED_REMEDY)
        assert "by itself" not in (await status(world, "later")).remedy
        ConnectionIntents(world.store).resume(MERCHANT, world.store.now())

        with world.store.write() as connection:
            since = world.store.now() - REFUSED_GRANT_RETENTION - DAY
            long_ago = {"long_ago": since.strftime("%Y-%m-%d %H:%M:%S.%f")}
            connection.execute(text("UPDATE connection SET since = :long_ago"), long_ago)
        await signal_connection(world.client, MERCHANT, "check")

        async def forgotten() -> bool:
            details = str(await flight(world).query("__temporal_workflow_metadata"))
            return kept_tokens(world) == 0 and remedy_for(REASON, forgotten=True) in details

        await until(forgotten)
        assert await told(world) == ["The merchant has to connect Google again, on the settings page."]
        assert (await status(world, "later")).remedy == remedy_for(REASON, forgotten=True)


async def status(world: World, name: str) -> SyncStatus:
    found = await world.slotsync.status(MERCHANT, name)
    assert found
    return found


async def told(world: World) -> list[str]:
    """Return the remedies of the connections that need somebody."""
    return [each.remedy for each in (await world.slotsync.overview()).connections]
