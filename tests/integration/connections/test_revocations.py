"""A grant that is given while another one of its account is revoked is alive, or is not connected."""

import asyncio
from datetime import timedelta

import pytest

from slotsync import grant_ends
from slotsync.domain.connections.connection import ConnectionState
from slotsync.domain.connections.disconnection import CalendarChoice
from slotsync.google.auth import consent
from slotsync.google.auth.tokens import request_token
from slotsync.settings import Settings
from slotsync.store.connections.connections import Connections
from slotsync.store.connections.revocations import Revocations
from starter.services.consent_results import ConsentGiven, ConsentRefused, RefusalReason
from tests.support.connection_harness import BROWSER, ConnectionHarness
from tests.support.samples import EMAIL, MERCHANT
from tests.support.waiting import until
from tests.support.world import World

pytestmark = pytest.mark.anyio


def count(world: World, rows: str) -> int:
    with world.store.read() as session:
        return int(session.connection().exec_driver_sql(f"SELECT count(*) FROM {rows}").scalar_one())


def undecided(world: World) -> int:
    """Return how many grants wait for a decision."""
    return count(world, "pending_consent WHERE kind = 'confirmation'")


class RevocationUnderWay:
    """Lets somebody allow the account once slotsync has seen that nobody needs it, before Google ends its grants."""

    def __init__(self, harness: ConnectionHarness, merchant: str) -> None:
        self._harness = harness
        self._merchant = merchant
        self._loop = asyncio.get_running_loop()
        self._revoke = consent.revoke
        self.consent: asyncio.Future[ConsentGiven | ConsentRefused] = self._loop.create_future()

    def __call__(self, settings: Settings, token: str) -> bool:
        if not self.consent.done():
            asyncio.run_coroutine_threadsafe(self._allow(), self._loop).result(20)
        return self._revoke(settings, token)

    async def _allow(self) -> None:
        task = asyncio.create_task(self._harness.consent(merchant=self._merchant))
        task.add_done_callback(lambda done: self.consent.set_result(done.result()))

        async def stored() -> bool:
            return undecided(self._harness.world) == 1

        await until(stored)


async def require_connection_that_works(harness: ConnectionHarness, merchant: str) -> None:
    await harness.connected(merchant=merchant)
    connections = Connections(harness.world.store, harness.world.vault)
    connection_id = connections.get_active_id(merchant)
    assert connection_id
    grant = connections.grant(connection_id)
    assert (await asyncio.to_thread(request_token, harness.world.settings, grant.refresh_token)).token


async def require_refusal(harness: ConnectionHarness, refused: ConsentGiven | ConsentRefused, merchant: str) -> None:
    assert isinstance(refused, ConsentRefused)
    assert (refused.reason, refused.merchant) == (RefusalReason.NOT_ACCEPTED, merchant)
    assert (await harness.service.view(merchant)).state is ConnectionState.DISCONNECTED
    await require_connection_that_works(harness, merchant)


@pytest.mark.parametrize("merchant", ["neighbour", MERCHANT])
async def test_a_grant_that_a_declined_one_takes_with_it_is_not_connected(
    connecting_merchant: ConnectionHarness, monkeypatch: pytest.MonkeyPatch, merchant: str
) -> None:
    declined = await connecting_merchant.consent()
    assert isinstance(declined, ConsentGiven)
    under_way = RevocationUnderWay(connecting_merchant, merchant)
    monkeypatch.setattr(grant_ends, "revoke", under_way)
    assert await connecting_merchant.service.decline(declined.code, BROWSER) is grant_ends.GrantEnd.ENDED
    await require_refusal(connecting_merchant, await under_way.consent, merchant)


async def test_a_grant_that_a_disconnection_takes_with_it_is_not_connected(
    connecting_merchant: ConnectionHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await connecting_merchant.connected()
    under_way = RevocationUnderWay(connecting_merchant, MERCHANT)
    monkeypatch.setattr(grant_ends, "revoke", under_way)
    async with connecting_merchant.world.working():
        result = await connecting_merchant.service.disconnect(MERCHANT, CalendarChoice.KEEP)
        assert result
        assert result.grant_ended
        await require_refusal(connecting_merchant, await under_way.consent, MERCHANT)


async def test_a_grant_that_outlives_a_revocation_is_connected(connecting_merchant: ConnectionHarness) -> None:
    revocations = Revocations(connecting_merchant.world.store, connecting_merchant.world.vault)
    with revocations.under_way(None):  # of an account that is not known, which may be this one
        given = asyncio.create_task(connecting_merchant.consent())

        async def stored() -> bool:
            return undecided(connecting_merchant.world) == 1

        await until(stored)
        assert not given.done()
    assert (await connecting_merchant.confirmed(await given)).connection.account == EMAIL
    assert await connecting_merchant.calls("oauth2.token") == 2, "asked for the grant, then whether it lives"


async def test_a_revocation_of_a_process_that_died_holds_nobody_up_for_long(
    connecting_merchant: ConnectionHarness,
) -> None:
    world = connecting_merchant.world
    dying = Revocations(world.store, world.vault, longest=timedelta(seconds=0.5)).under_way(None)
    dying.__enter__()  # and never ends
    assert (await connecting_merchant.connected()).account == EMAIL


async def test_revocations_are_forgotten_after_an_hour(connecting_merchant: ConnectionHarness) -> None:
    world = connecting_merchant.world
    with Revocations(world.store, world.vault).under_way(None):
        pass
    with world.store.write() as connection:
        connection.exec_driver_sql("UPDATE account_revocation SET until = '2020-01-01 00:00:00'")
    grant_ends.GrantEnds(world.settings, world.store, world.vault).end_all()
    assert count(world, "account_revocation") == 0
