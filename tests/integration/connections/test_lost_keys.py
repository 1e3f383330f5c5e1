"""What no key opens any more holds up neither a disconnection nor a new connection."""

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import update

from slotsync.domain.connections.connection import ConnectionState
from slotsync.domain.connections.disconnection import CalendarChoice
from slotsync.secrets import Vault
from slotsync.store.database.base import table_of
from slotsync.store.tables.connections import ConnectionRow
from tests.support.connection_harness import OTHER, ConnectionHarness
from tests.support.parked_reservations import open_tours, report_reservations, until_all_settled
from tests.support.samples import EMAIL, MERCHANT, TOUR
from tests.support.world import World

pytestmark = pytest.mark.anyio

LOST = {
    "its data key was erased": "v1.0123456789abcdef.AAAA",
    "it is damaged": "v1.",
    "its key left the ring": Vault([Fernet.generate_key().decode()]).encrypt("of a former version"),
}


def lose(world: World, lost: str) -> None:
    """Let the grant open no more."""
    columns = ("refresh_token", "access_token", "account_email")
    with world.store.write() as connection:
        connection.execute(update(table_of(ConnectionRow)).values(dict.fromkeys(columns, LOST[lost])))


@pytest.mark.parametrize("lost", LOST)
async def test_a_disconnection_ends_though_no_key_opens_the_grant(
    connecting_merchant: ConnectionHarness, lost: str
) -> None:
    world = connecting_merchant.world
    async with world.working():
        await open_tours(world)
        await connecting_merchant.connected()
        await report_reservations(world, 1)
        await until_all_settled(world, 1)
        lose(world, lost)
        result = await connecting_merchant.service.disconnect(MERCHANT, CalendarChoice.DELETE)
    assert result is not None
    assert (result.left, result.grant_ended) == ((TOUR,), False)
    assert "remove slotsync at https://myaccount.google.com/connections" in result.notes[-1]
    assert (await connecting_merchant.service.view(MERCHANT)).state is ConnectionState.DISCONNECTED


@pytest.mark.parametrize("lost", LOST)
@pytest.mark.parametrize("email", [EMAIL, OTHER])
async def test_a_merchant_connects_again_though_no_key_opens_the_former_grant(
    connecting_merchant: ConnectionHarness, email: str, lost: str
) -> None:
    await connecting_merchant.connected()
    lose(connecting_merchant.world, lost)
    assert (await connecting_merchant.service.view(MERCHANT)).account is None
    assert (await connecting_merchant.connected(email)).account == email
