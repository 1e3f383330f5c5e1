"""Of two merchants on one account, who is erased leaves no grant at Google once the other one has left, too."""

import asyncio
from datetime import timedelta

import pytest

from activities.connections import ConsentActivities
from localgoogle.server import RunningLocalGoogle
from slotsync.domain.connections.disconnection import SHARED_GRANT, CalendarChoice
from slotsync.store.connections.connections import Connections
from slotsync.store.erasures import Erasures
from starter.services.consent_results import ConsentGiven
from starter.services.erasure import ErasureService
from tests.support.connection_harness import OTHER, ConnectionHarness
from tests.support.samples import EMAIL, MERCHANT
from tests.support.stored_secrets import decrypted_values
from tests.support.world import World

pytestmark = pytest.mark.anyio

NEIGHBOUR = "neighbour"
SHORT = timedelta(seconds=1)


@pytest.fixture
async def with_dead_neighbour(connecting_merchant: ConnectionHarness) -> ConnectionHarness:
    """Return two merchants on one account, the grants of which its owner has ended; one has connected again."""
    world = connecting_merchant.world
    connections = Connections(world.store, world.vault)
    for merchant in (MERCHANT, NEIGHBOUR):
        await connecting_merchant.connected(merchant=merchant)
    await connecting_merchant.revoke()
    for merchant in (MERCHANT, NEIGHBOUR):
        connection_id = connections.get_active_id(merchant)
        assert connection_id
        connections.mark_revoked(connection_id, "invalid_grant", connections.get_grant_number(merchant))
    await connecting_merchant.connected()
    return connecting_merchant


def alive(local_google: RunningLocalGoogle) -> int:
    tokens = local_google.google.accounts.grants.state.refresh_tokens
    return sum(token.caller.email == EMAIL for token in tokens.values())


def kept(world: World) -> int:
    return len(decrypted_values(world.store, world.vault, "unkept_grant.secret"))


async def erase(world: World) -> tuple[str, ...]:
    service = ErasureService(world.settings, world.client, world.store, world.vault, timedelta(minutes=1), SHORT, SHORT)
    return (await service.erase_merchant(MERCHANT, google=False)).google


async def sweep(world: World) -> int:
    return await asyncio.to_thread(ConsentActivities(world.settings, world.store, world.vault).end_unanswered_consents)


async def test_a_grant_of_an_erased_merchant_ends_with_the_dead_one_of_another(
    with_dead_neighbour: ConnectionHarness, local_google: RunningLocalGoogle
) -> None:
    world = with_dead_neighbour.world
    async with world.working():
        assert await erase(world) == (SHARED_GRANT,)
        assert not Erasures(world.store).is_anything_stored(MERCHANT)
        assert (await sweep(world), alive(local_google), kept(world)) == (0, 1, 1)
        result = await with_dead_neighbour.service.disconnect(NEIGHBOUR, CalendarChoice.KEEP)
    assert result
    assert (result.grant_ended, result.shared, alive(local_google)) == (True, False, 0), "and what was said is true"
    assert (await sweep(world), kept(world)) == (1, 0)


async def test_a_grant_of_another_account_is_not_touched_by_that(
    with_dead_neighbour: ConnectionHarness, local_google: RunningLocalGoogle
) -> None:
    world = with_dead_neighbour.world
    await with_dead_neighbour.connected(OTHER, merchant=NEIGHBOUR)
    async with world.working():
        await with_dead_neighbour.service.disconnect(NEIGHBOUR, CalendarChoice.KEEP)
    assert alive(local_google) == 1


async def test_a_grant_on_which_nobody_has_decided_is_kept_as_long_as_another_merchant_uses_the_account(
    connecting_merchant: ConnectionHarness, local_google: RunningLocalGoogle
) -> None:
    world = connecting_merchant.world
    await connecting_merchant.connected(merchant=NEIGHBOUR)
    assert isinstance(await connecting_merchant.consent(), ConsentGiven)
    assert await erase(world) == (SHARED_GRANT,)
    assert (await sweep(world), alive(local_google), kept(world)) == (0, 2, 1)
    await connecting_merchant.connected(OTHER, merchant=NEIGHBOUR)
    assert (await sweep(world), alive(local_google), kept(world)) == (1, 0, 0)
