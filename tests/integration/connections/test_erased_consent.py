"""The erasure of a merchant gives its grants back, and says which it could not give back."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from activities.connections import ConsentActivities
from slotsync.errors import Erased, ErasureHeldUp
from slotsync.store.connections.erased_merchant_grants import MAX_AGE, ErasedMerchantGrants
from slotsync.store.connections.grants import NewGrant
from slotsync.store.database.base import Row, table_of
from slotsync.store.erasures import Erasures
from slotsync.store.tables.connections import ConnectionRow, PendingConsentRow, UnkeptGrantRow
from starter.services.erasure import ErasureService
from tests.support.connection_harness import BROWSER, OTHER, ConnectionHarness
from tests.support.consent_browser import decide
from tests.support.samples import EMAIL, MERCHANT
from tests.support.stored_secrets import decrypted_values
from tests.support.world import World

pytestmark = pytest.mark.anyio

UNREADABLE = "v1.0123456789abcdef.AAAA"
SHORT = timedelta(seconds=1)
REMEDY = "remove slotsync at https://myaccount.google.com/connections"


def service(world: World) -> ErasureService:
    return ErasureService(world.settings, world.client, world.store, world.vault, SHORT, SHORT, SHORT)


def lose_consents(world: World) -> None:
    """Let the consents open no more."""
    with world.store.write() as connection:
        connection.execute(update(table_of(PendingConsentRow)).values(secret=UNREADABLE))


def lose_grants(world: World) -> None:
    """Let the connections' grants open no more."""
    columns = ("refresh_token", "access_token", "account_email")
    with world.store.write() as connection:
        connection.execute(update(table_of(ConnectionRow)).values(dict.fromkeys(columns, UNREADABLE)))


async def test_a_grant_on_which_nobody_has_decided_is_given_back(connecting_merchant: ConnectionHarness) -> None:
    world = connecting_merchant.world
    await connecting_merchant.consent()
    receipt = await service(world).erase_merchant(MERCHANT, google=False)
    assert receipt.rows == {"merchant": 1}, "the grant went first, once Google had ended it"
    assert receipt.google == ()
    assert await connecting_merchant.calls("oauth2.revoke") == 1


async def test_a_consent_that_no_key_opens_holds_an_erasure_up_unless_it_is_forced_and_stands_in_the_receipt(
    connecting_merchant: ConnectionHarness,
) -> None:
    world = connecting_merchant.world
    await connecting_merchant.consent()
    lose_consents(world)
    await connecting_merchant.consent(OTHER)
    with pytest.raises(ErasureHeldUp, match="no key opens it"):
        await service(world).erase_merchant(MERCHANT, google=False)
    assert await connecting_merchant.calls("oauth2.revoke") == 1, "the other one is given back"
    assert Erasures(world.store).is_anything_stored(MERCHANT)
    receipt = await service(world).erase_merchant(MERCHANT, google=False, force=True)
    (left,) = receipt.google
    assert "could not be revoked at Google: no key opens it" in left
    assert REMEDY in left
    assert receipt.rows == {"merchant": 1, "pending_consent": 1}
    assert not Erasures(world.store).is_anything_stored(MERCHANT)


async def test_a_grant_that_google_does_not_take_back_stands_in_the_receipt(
    connecting_merchant: ConnectionHarness,
) -> None:
    world = connecting_merchant.world
    await connecting_merchant.consent()
    await world.fault(method="oauth2.revoke", kind="drop", probability=1)
    with pytest.raises(ErasureHeldUp, match="Google did not answer"):
        await service(world).erase_merchant(MERCHANT, google=False)
    receipt = await service(world).erase_merchant(MERCHANT, google=False, force=True)
    (left,) = receipt.google
    assert "could not be revoked at Google: Google did not answer" in left
    assert REMEDY in left


async def test_a_connection_that_no_key_opens_stands_in_the_receipt_also_without_a_worker(
    connecting_merchant: ConnectionHarness,
) -> None:
    world = connecting_merchant.world
    await connecting_merchant.connected()
    lose_grants(world)
    for _ in range(2):
        with pytest.raises(ErasureHeldUp, match="no key opens it"):
            await service(world).erase_merchant(MERCHANT, google=False)
    receipt = await service(world).erase_merchant(MERCHANT, google=False, force=True)
    waited, left = receipt.google
    assert "Google was not waited for" in waited
    assert "no key opens it" in left
    assert not Erasures(world.store).is_anything_stored(MERCHANT)


async def test_a_grant_that_comes_while_its_merchant_is_erased_is_given_back(
    connecting_merchant: ConnectionHarness,
) -> None:
    world = connecting_merchant.world
    answer = decide(await connecting_merchant.service.begin(MERCHANT, BROWSER), EMAIL)
    chosen = await connecting_merchant.consent(OTHER)
    Erasures(world.store).close(MERCHANT, None, world.store.now())
    with pytest.raises(Erased):
        await connecting_merchant.complete(answer)
    assert await connecting_merchant.calls("oauth2.revoke") == 1
    with pytest.raises(Erased):
        await connecting_merchant.confirmed(chosen)
    with pytest.raises(Erased):
        await connecting_merchant.service.begin(MERCHANT, BROWSER)
    receipt = await service(world).erase_merchant(MERCHANT, google=False)
    assert await connecting_merchant.calls("oauth2.revoke") == 2
    assert receipt.google == ()


async def test_such_a_grant_is_ended_by_the_sweep_once_google_answers_and_nothing_else_of_its_merchant_is_kept(
    connecting_merchant: ConnectionHarness,
) -> None:
    world = connecting_merchant.world
    answer = decide(await connecting_merchant.service.begin(MERCHANT, BROWSER), EMAIL)
    Erasures(world.store).close(MERCHANT, None, world.store.now())
    await world.fault(method="oauth2.revoke", kind="drop", count=2)
    with pytest.raises(Erased):
        await connecting_merchant.complete(answer)
    await service(world).erase_merchant(MERCHANT, google=False)
    sweep = ConsentActivities(world.settings, world.store, world.vault).end_unanswered_consents
    assert await asyncio.to_thread(sweep) == 0, "Google still does not answer"
    (kept,) = decrypted_values(world.store, world.vault, "unkept_grant.secret").values()
    assert EMAIL not in kept
    assert MERCHANT not in str(rows(world, UnkeptGrantRow))
    assert (await asyncio.to_thread(sweep), rows(world, UnkeptGrantRow)) == (1, [])
    assert await connecting_merchant.calls("oauth2.revoke") == 3


async def test_a_grant_of_an_erased_merchant_that_google_has_ended_long_ago_is_forgotten(
    connecting_merchant: ConnectionHarness,
) -> None:
    world = connecting_merchant.world
    grant, now = NewGrant(account_email="", scopes=frozenset(), refresh_token="unkept"), world.store.now()
    long_ago, lately = (now - MAX_AGE + by for by in (-timedelta(hours=1), timedelta(hours=1)))
    ErasedMerchantGrants(world.store, world.vault, lambda: long_ago).put(grant)
    kept = ErasedMerchantGrants(world.store, world.vault, lambda: lately).put(grant)
    assert ErasedMerchantGrants(world.store, world.vault, lambda: now).find() == [kept]


def rows(world: World, table: type[Row]) -> list[object]:
    with world.store.read() as session:
        return [*session.connection().execute(select(table_of(table))).all()]
