"""A refusal touches the grant that the call used, and no newer one."""

import asyncio
from datetime import timedelta

import pytest

from slotsync.clock import utc_now
from slotsync.connection_health import ConnectionHealth
from slotsync.domain.connections.connection import ConnectionState
from slotsync.errors import GrantLost
from slotsync.store.connections.connections import Connections
from tests.support.samples import MERCHANT
from tests.support.world import World

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("clock_error", [timedelta(minutes=-10), timedelta(), timedelta(minutes=10)])
@pytest.mark.parametrize("reason", ["revoked", "invalid_grant"])
async def test_a_call_that_fails_while_the_merchant_connects_again_leaves_the_new_grant_alone(
    world: World, clock_error: timedelta, reason: str
) -> None:
    await world.add_merchant()
    connections = Connections(world.store, world.vault)
    connection_id = connections.get_active_id(MERCHANT)
    assert connection_id
    health = ConnectionHealth(connections, world.client, asyncio.get_running_loop(), lambda: utc_now() + clock_error)

    def fail_meanwhile() -> None:
        with health.recording(connection_id):
            connections.save_grant(MERCHANT, "refresh-2", {"openid"}, "m@gmail.example")
            raise GrantLost("the grant is lost", reason=reason)

    with pytest.raises(GrantLost):
        await asyncio.to_thread(fail_meanwhile)
    assert connections.get_state(MERCHANT) is ConnectionState.ACTIVE
    assert connections.grant(connection_id).refresh_token == "refresh-2"

    def fail() -> None:
        with health.recording(connection_id):
            raise GrantLost("the grant is lost", reason="invalid_grant")

    with pytest.raises(GrantLost):
        await asyncio.to_thread(fail)
    assert connections.get_state(MERCHANT) is ConnectionState.REVOKED
