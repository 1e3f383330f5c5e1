"""No grant is ever without somebody who ends it: declined, late, replaced, left, or never stored."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import text

from activities.connections import ConsentActivities
from localgoogle.server import RunningLocalGoogle
from slotsync.clock import utc_now
from slotsync.domain.connections.connection import ConnectionState
from slotsync.domain.connections.disconnection import CalendarChoice
from slotsync.errors import InputError
from slotsync.google.auth.tokens import request_token
from slotsync.grant_ends import GrantEnd
from slotsync.secrets import Vault
from slotsync.store.connections.connections import Connections
from slotsync.store.connections.disconnections import Disconnections
from slotsync.store.connections.pending_consents import AwaitedStep, PendingConsents
from starter.services.connections import ConnectionService
from starter.services.consent_results import ConsentGiven, ConsentRefused, RefusalReason
from tests.support.connection_harness import BROWSER, OTHER, ConnectionHarness
from tests.support.consent_browser import decide
from tests.support.samples import EMAIL, MERCHANT
from tests.support.waiting import until
from tests.support.world import World

pytestmark = pytest.mark.anyio

NEIGHBOUR = "neighbour"

Alive = Callable[[str], int]


@pytest.fixture
def alive(local_google: RunningLocalGoogle) -> Alive:
    """Count the refresh tokens of an account that work at Google."""
    grants = local_google.google.accounts.grants

    def count(email: str) -> int:
        return sum(token.caller.email == email for token in grants.state.refresh_tokens.values())

    return count


async def asked(merchant: ConnectionHarness, email: str = EMAIL, name: str = MERCHANT) -> str:
    """Allow access at Google, and return the code of the page that asks whether to connect the account."""
    given = await merchant.consent(email, merchant=name)
    assert isinstance(given, ConsentGiven)
    return given.code


def change(world: World, statement: str, **values: object) -> None:
    with world.store.write() as connection:
        connection.execute(text(statement), values)


def let_expire(world: World, merchant: str = MERCHANT) -> None:
    late = "UPDATE pending_consent SET expires_at = '2020-01-01 00:00:00' WHERE merchant = :merchant"
    change(world, late, merchant=merchant)


async def sweep(world: World) -> int:
    """Return how many grants ended."""
    return await asyncio.to_thread(ConsentActivities(world.settings, world.store, world.vault).end_unanswered_consents)


def refuse(world: World, merchant: str = MERCHANT) -> str:
    """Record that Google refuses the merchant's grant, and return its token, which works again once it may."""
    connections = Connections(world.store, world.vault)
    connection_id = connections.get_active_id(merchant)
    assert connection_id
    token = connections.grant(connection_id).refresh_token
    connections.mark_revoked(connection_id, "admin_policy_enforced", connections.get_grant_number(merchant))
    return token


@pytest.mark.parametrize("decision", ["connect", "decline"])
@pytest.mark.parametrize("wrong", [RefusalReason.EXPIRED, RefusalReason.OTHER_BROWSER])
async def test_a_decision_that_is_refused_ends_the_grant(
    connecting_merchant: ConnectionHarness, alive: Alive, decision: str, wrong: RefusalReason
) -> None:
    code, browser = await asked(connecting_merchant), BROWSER
    if wrong is RefusalReason.EXPIRED:
        let_expire(connecting_merchant.world)
    else:
        browser = "another browser"
    service = connecting_merchant.service
    answer = await (service.confirm if decision == "connect" else service.decline)(code, browser)
    assert isinstance(answer, ConsentRefused)
    assert answer.reason is wrong
    assert (alive(EMAIL), await sweep(connecting_merchant.world)) == (0, 0)


async def test_a_declined_grant_that_google_does_not_end_is_ended_later_and_that_is_said(
    connecting_merchant: ConnectionHarness, alive: Alive
) -> None:
    world, code = connecting_merchant.world, await asked(connecting_merchant)
    await world.fault(method="oauth2.revoke", kind="backendError", status=503, count=2)
    assert await connecting_merchant.service.decline(code, BROWSER) is GrantEnd.LATER
    assert (await connecting_merchant.service.view(MERCHANT)).state is ConnectionState.DISCONNECTED
    assert (await sweep(world), alive(EMAIL)) == (0, 1)
    assert (await sweep(world), alive(EMAIL)) == (1, 0)
    assert await sweep(world) == 0


@pytest.mark.parametrize("was", ["active", "refused", "disconnecting"])
@pytest.mark.parametrize("fails", [False, True])
async def test_the_grant_of_another_account_is_ended_whatever_its_state(
    connecting_merchant: ConnectionHarness, alive: Alive, was: str, *, fails: bool
) -> None:
    world = connecting_merchant.world
    await connecting_merchant.connected()
    if was == "refused":
        refuse(world)
    elif was == "disconnecting":
        Disconnections(world.store, world.vault).request(MERCHANT, CalendarChoice.KEEP, utc_now())
    if fails:
        await world.fault(method="oauth2.revoke", kind="drop", count=1)
    await connecting_merchant.connected(OTHER)
    assert alive(EMAIL) == (1 if fails else 0)
    assert (await sweep(world), alive(EMAIL), alive(OTHER)) == (1 if fails else 0, 0, 1)


async def leave(merchant: ConnectionHarness, way: str) -> None:
    """Allow the account of another merchant, and leave it in one of the ways."""
    if way in {"change", "disconnect"}:
        await merchant.connected(merchant=NEIGHBOUR)
    if way == "change":
        await merchant.connected(OTHER, merchant=NEIGHBOUR)
    elif way == "disconnect":
        async with merchant.world.working():
            result = await merchant.service.disconnect(NEIGHBOUR, CalendarChoice.KEEP)
            assert result
            assert (result.shared, result.grant_ended) == (True, False)
    else:
        code = await asked(merchant, name=NEIGHBOUR)
        if way == "decline":
            assert await merchant.service.decline(code, BROWSER) is GrantEnd.SHARED
        else:
            let_expire(merchant.world, NEIGHBOUR)
    assert await sweep(merchant.world) == 0


@pytest.mark.parametrize("way", ["decline", "lapse", "change", "disconnect"])
async def test_a_refused_grant_of_another_merchant_on_the_account_is_not_touched(
    connecting_merchant: ConnectionHarness, alive: Alive, way: str
) -> None:
    world = connecting_merchant.world
    await connecting_merchant.connected()
    token = refuse(world)
    await leave(connecting_merchant, way)
    assert (await asyncio.to_thread(request_token, world.settings, token)).token
    await connecting_merchant.connected(OTHER)
    await sweep(world)
    assert alive(EMAIL) == 0, "nobody needs it any more"


async def test_a_disconnection_that_has_calendars_to_delete_keeps_its_grant(
    connecting_merchant: ConnectionHarness, alive: Alive
) -> None:
    world = connecting_merchant.world
    await connecting_merchant.connected()
    Disconnections(world.store, world.vault).request(MERCHANT, CalendarChoice.DELETE, utc_now())
    await leave(connecting_merchant, "decline")
    assert alive(EMAIL) == 2


@pytest.mark.parametrize("way", ["decline", "lapse", "change"])
async def test_a_grant_on_which_another_merchant_has_yet_to_decide_is_not_touched(
    connecting_merchant: ConnectionHarness, alive: Alive, way: str
) -> None:
    code = await asked(connecting_merchant)
    await leave(connecting_merchant, way)
    connected = await connecting_merchant.service.confirm(code, BROWSER)
    assert not isinstance(connected, ConsentRefused)
    assert alive(EMAIL) >= 1


async def test_two_merchants_who_leave_one_account_at_once_leave_no_grant(
    connecting_merchant: ConnectionHarness, alive: Alive
) -> None:
    world, names = connecting_merchant.world, (MERCHANT, NEIGHBOUR)
    connections, disconnections = Connections(world.store, world.vault), Disconnections(world.store, world.vault)
    for name in names:
        await connecting_merchant.connected(merchant=name)
        disconnections.request(name, CalendarChoice.KEEP, utc_now())
    ids = [str(connections.get_id(name)) for name in names]
    assert [disconnections.is_shared(each) for each in ids] == [True, True], "each leaves it to the other one"
    for each in ids:
        disconnections.finish(each, CalendarChoice.KEEP, grant_ended=False)
    assert await sweep(world) == 2
    assert alive(EMAIL) == 0


async def test_a_disconnection_in_vain_leaves_the_grant_to_the_sweep(
    connecting_merchant: ConnectionHarness, alive: Alive
) -> None:
    world = connecting_merchant.world
    await connecting_merchant.connected()
    disconnections = Disconnections(world.store, world.vault)
    disconnections.request(MERCHANT, CalendarChoice.KEEP, utc_now())
    connection_id = str(Connections(world.store, world.vault).get_id(MERCHANT))
    disconnections.finish(connection_id, CalendarChoice.KEEP, grant_ended=False)
    assert alive(EMAIL) == 1
    assert (await sweep(world), alive(EMAIL)) == (1, 0)


async def test_a_disconnection_connects_nothing_that_was_asked_before(
    connecting_merchant: ConnectionHarness, alive: Alive
) -> None:
    world = connecting_merchant.world
    await connecting_merchant.connected()
    code = await asked(connecting_merchant, OTHER)
    Disconnections(world.store, world.vault).request(MERCHANT, CalendarChoice.KEEP, utc_now())
    refused = await connecting_merchant.service.confirm(code, BROWSER)
    assert isinstance(refused, ConsentRefused)
    assert (await sweep(world), alive(OTHER)) == (1, 0)


async def test_a_grant_that_was_refused_for_a_month_is_ended(
    connecting_merchant: ConnectionHarness, alive: Alive
) -> None:
    world = connecting_merchant.world
    await connecting_merchant.connected()
    refuse(world)
    connections = Connections(world.store, world.vault)
    connections.forget_refused(MERCHANT, connections.get_grant_number(MERCHANT))
    assert (await sweep(world), alive(EMAIL)) == (1, 0)


STALL = "CREATE TRIGGER stall BEFORE INSERT ON {} WHEN {} BEGIN SELECT RAISE(ABORT, 'stalled'); END"


@pytest.mark.parametrize("decides", ["merchant", "platform"])
async def test_a_database_that_fails_in_the_moment_of_the_decision_loses_nothing(
    connecting_merchant: ConnectionHarness, decides: str
) -> None:
    world, service = connecting_merchant.world, connecting_merchant.service
    if decides == "platform":
        to_platform = world.settings.model_copy(update={"return_url": "https://platform.example/back"})
        service = ConnectionService(to_platform, world.store, world.vault, world.client)
    given = await ConnectionHarness(world, service).consent()
    assert isinstance(given, ConsentGiven)

    async def decide_now() -> object:
        if decides == "platform":
            return await service.complete_for_platform(MERCHANT, given.code)
        return await service.confirm(given.code, BROWSER)

    change(world, STALL.format("connection", "1"))
    with pytest.raises(Exception, match="stalled"):
        await decide_now()
    change(world, "DROP TRIGGER stall")
    await decide_now()
    assert (await service.view(MERCHANT)).account == EMAIL
    if decides == "platform":
        with pytest.raises(InputError):
            await decide_now()


async def test_a_grant_that_the_database_does_not_take_is_stored_later_and_ended(
    connecting_merchant: ConnectionHarness, alive: Alive
) -> None:
    world = connecting_merchant.world
    change(world, STALL.format("pending_consent", "NEW.kind <> 'answer'"))
    with pytest.raises(Exception, match="stalled"):
        await connecting_merchant.consent()
    assert alive(EMAIL) == 1
    change(world, "DROP TRIGGER stall")

    async def swept() -> bool:
        return await sweep(world) == 1

    await until(swept)
    assert alive(EMAIL) == 0


async def test_a_grant_that_comes_when_nobody_waits_any_more_is_ended(
    connecting_merchant: ConnectionHarness, alive: Alive
) -> None:
    world = connecting_merchant.world
    service = ConnectionService(
        world.settings, world.store, world.vault, world.client, consent_deadline=timedelta(seconds=0.5)
    )
    back = await asyncio.to_thread(decide, await service.begin(MERCHANT, BROWSER), EMAIL)
    await world.fault(method="oauth2.token", kind="slow", seconds=2, count=1)
    refused = await service.complete(back.state, back.code, BROWSER)
    assert isinstance(refused, ConsentRefused)
    assert refused.reason is RefusalReason.UNREACHABLE

    async def swept() -> bool:
        let_expire(world)
        return await sweep(world) == 1

    await until(swept)
    assert alive(EMAIL) == 0


async def test_a_consent_that_no_key_opens_holds_no_other_one_up(
    connecting_merchant: ConnectionHarness, alive: Alive
) -> None:
    world = connecting_merchant.world
    await asked(connecting_merchant)
    pending = PendingConsents(world.store, world.vault)
    pending.put(AwaitedStep.CONFIRMATION, "k", merchant=MERCHANT, browser="another", secret="{}")
    lost = Vault([Fernet.generate_key().decode()]).encrypt("{}")
    own = {"secret": lost, "browser": sha256(b"another").hexdigest()}
    change(world, "UPDATE pending_consent SET secret = :secret WHERE browser_hash = :browser", **own)
    let_expire(world)
    assert (await sweep(world), alive(EMAIL)) == (1, 0)
    assert await sweep(world) == 0
