"""From "Connect Google Calendar" to a stored grant, and every way in which that must not work."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import text

from activities.connections import ConsentActivities
from slotsync.domain.connections.connection import (
    APP_CREATED,
    CALENDAR_LIST,
    EVENTS_FREEBUSY,
    FREEBUSY,
    ConnectionState,
    ConnectionView,
    wanted_scopes,
)
from slotsync.errors import InputError, SettingsError
from slotsync.grant_ends import GrantEnd
from slotsync.secrets import Vault
from slotsync.settings import Settings
from slotsync.store.connections.connections import Connections
from slotsync.store.connections.pending_consents import CONSENT_LIFETIME, AwaitedStep, PendingConsents
from starter.services.connections import ConnectionService
from starter.services.consent_results import Connected, ConsentGiven, ConsentRefused, RefusalReason
from tests.support.connection_harness import BROWSER, OTHER, ConnectionHarness
from tests.support.consent_browser import decide
from tests.support.samples import EMAIL, MERCHANT

pytestmark = pytest.mark.anyio


def refusal(result: object) -> RefusalReason:
    assert isinstance(result, ConsentRefused), result
    return result.reason


async def test_a_merchant_who_allows_everything_is_connected_as_that_account(
    connecting_merchant: ConnectionHarness,
) -> None:
    connection = await connecting_merchant.connected()
    assert (connection.state, connection.account) == (ConnectionState.ACTIVE, EMAIL)
    assert set(connection.granted) == wanted_scopes(push=True)
    assert connection.missing == ()


async def test_google_is_asked_for_lasting_access_to_the_least_that_works(
    connecting_merchant: ConnectionHarness,
) -> None:
    asked = parse_qs(urlsplit(await connecting_merchant.service.begin(MERCHANT, BROWSER)).query)
    assert set(asked["scope"][0].split()) == wanted_scopes(push=True)
    assert (asked["access_type"], asked["prompt"], asked["code_challenge_method"]) == (
        ["offline"],
        ["consent"],
        ["S256"],
    )
    assert asked["redirect_uri"] == ["http://127.0.0.1:9/google/callback"]
    assert "include_granted_scopes" not in asked


async def test_a_stricter_platform_never_gets_the_scope_that_shows_events(
    connecting_merchant: ConnectionHarness, settings: Settings
) -> None:
    await connecting_merchant.connected()
    world = connecting_merchant.world
    strict = ConnectionService(
        settings.model_copy(update={"google_push": False}), world.store, world.vault, world.client
    )
    back = decide(await strict.begin(MERCHANT, BROWSER), EMAIL)
    given = await strict.complete(back.state, back.code, BROWSER)
    assert isinstance(given, ConsentGiven)
    result = await strict.confirm(given.code, BROWSER)
    assert isinstance(result, Connected)
    assert FREEBUSY in result.connection.granted
    assert EVENTS_FREEBUSY not in result.connection.granted


async def test_missing_scopes_are_named_and_the_rest_works(connecting_merchant: ConnectionHarness) -> None:
    given = await connecting_merchant.consent(ticked=frozenset({APP_CREATED, EVENTS_FREEBUSY}))
    result = await connecting_merchant.confirmed(given)
    assert result.connection.state is ConnectionState.ACTIVE
    assert [each.scope for each in result.connection.missing] == [CALENDAR_LIST]
    assert "cannot be listed" in result.connection.missing[0].consequence


async def test_a_second_consent_grants_the_missing_scopes(connecting_merchant: ConnectionHarness) -> None:
    await connecting_merchant.confirmed(await connecting_merchant.consent(ticked=frozenset({APP_CREATED})))
    assert (await connecting_merchant.service.view(MERCHANT)).missing
    assert (await connecting_merchant.connected()).missing == ()


@pytest.mark.parametrize("connected", [False, True])
async def test_a_merchant_who_declines_the_consent_changes_nothing(
    connecting_merchant: ConnectionHarness, *, connected: bool
) -> None:
    before = await state_before_consent(connecting_merchant, connected=connected)
    back = decide(await connecting_merchant.service.begin(MERCHANT, BROWSER), OTHER, decision="deny")
    assert refusal(await connecting_merchant.complete(back)) is RefusalReason.DENIED
    assert await connecting_merchant.service.view(MERCHANT) == before


async def state_before_consent(connecting_merchant: ConnectionHarness, *, connected: bool) -> ConnectionView:
    if connected:
        await connecting_merchant.connected()
    view = await connecting_merchant.service.view(MERCHANT)
    assert view.state is (ConnectionState.ACTIVE if connected else ConnectionState.DISCONNECTED)
    return view


async def test_an_answer_is_used_once(connecting_merchant: ConnectionHarness) -> None:
    back = decide(await connecting_merchant.service.begin(MERCHANT, BROWSER), EMAIL)
    assert isinstance(await connecting_merchant.complete(back), ConsentGiven)
    assert refusal(await connecting_merchant.complete(back)) is RefusalReason.UNKNOWN


async def test_a_forged_state_is_refused_without_asking_google(connecting_merchant: ConnectionHarness) -> None:
    back = decide(await connecting_merchant.service.begin(MERCHANT, BROWSER), EMAIL)
    assert refusal(await connecting_merchant.service.complete("forged", back.code, BROWSER)) is RefusalReason.UNKNOWN
    assert await connecting_merchant.calls("oauth2.token") == 0


async def test_another_browser_is_refused_and_the_answer_is_used_up(connecting_merchant: ConnectionHarness) -> None:
    back = decide(await connecting_merchant.service.begin(MERCHANT, BROWSER), EMAIL)
    assert refusal(await connecting_merchant.complete(back, "another browser")) is RefusalReason.OTHER_BROWSER
    assert refusal(await connecting_merchant.complete(back)) is RefusalReason.UNKNOWN
    assert await connecting_merchant.calls("oauth2.token") == 0


async def test_a_code_of_another_consent_is_not_accepted(connecting_merchant: ConnectionHarness) -> None:
    mine = decide(await connecting_merchant.service.begin(MERCHANT, BROWSER), EMAIL)
    stolen = decide(await connecting_merchant.service.begin("other-merchant", BROWSER), OTHER)
    assert (
        refusal(await connecting_merchant.service.complete(mine.state, stolen.code, BROWSER))
        is RefusalReason.NOT_ACCEPTED
    )
    assert (await connecting_merchant.service.view(MERCHANT)).account is None


@pytest.mark.parametrize("connected", [False, True])
async def test_google_out_of_reach_is_said_and_changes_nothing(
    connecting_merchant: ConnectionHarness, *, connected: bool
) -> None:
    before = await state_before_consent(connecting_merchant, connected=connected)
    back = decide(await connecting_merchant.service.begin(MERCHANT, BROWSER), OTHER)
    await connecting_merchant.world.fault(method="oauth2.token", kind="drop", count=4)
    assert refusal(await connecting_merchant.complete(back)) is RefusalReason.UNREACHABLE
    assert await connecting_merchant.service.view(MERCHANT) == before


async def test_a_first_consent_that_is_open_is_pending(connecting_merchant: ConnectionHarness) -> None:
    assert (await connecting_merchant.service.view(MERCHANT)).state is ConnectionState.DISCONNECTED
    await connecting_merchant.service.begin(MERCHANT, BROWSER)
    assert (await connecting_merchant.service.view(MERCHANT)).state is ConnectionState.PENDING


async def test_the_same_account_goes_on_as_the_same_connection(connecting_merchant: ConnectionHarness) -> None:
    await connecting_merchant.connected()
    connections = Connections(connecting_merchant.world.store, connecting_merchant.world.vault)
    before = connections.get_active_id(MERCHANT)
    await connecting_merchant.connected()
    assert connections.get_active_id(MERCHANT) == before


async def test_another_account_changes_nothing_until_it_is_confirmed(connecting_merchant: ConnectionHarness) -> None:
    await connecting_merchant.connected()
    asked = await connecting_merchant.consent(OTHER)
    assert isinstance(asked, ConsentGiven)
    assert (asked.connected, asked.chosen) == (EMAIL, OTHER)
    assert (await connecting_merchant.service.view(MERCHANT)).account == EMAIL
    confirmed = await connecting_merchant.service.confirm(asked.code, BROWSER)
    assert isinstance(confirmed, Connected)
    assert confirmed.connection.account == OTHER
    assert refusal(await connecting_merchant.service.confirm(asked.code, BROWSER)) is RefusalReason.UNKNOWN


async def test_nothing_is_connected_until_the_merchant_has_said_so(connecting_merchant: ConnectionHarness) -> None:
    given = await connecting_merchant.consent()
    assert isinstance(given, ConsentGiven)
    assert (given.chosen, given.connected) == (EMAIL, None)
    assert (await connecting_merchant.service.view(MERCHANT)).account is None
    assert await connecting_merchant.service.decline(given.code, BROWSER) is GrantEnd.ENDED
    assert await connecting_merchant.calls("oauth2.revoke") == 1
    assert refusal(await connecting_merchant.service.confirm(given.code, BROWSER)) is RefusalReason.UNKNOWN


def returning(harness: ConnectionHarness, settings: Settings) -> ConnectionService:
    world = harness.world
    to_platform = settings.model_copy(update={"return_url": "https://platform.example/back"})
    return ConnectionService(to_platform, world.store, world.vault, world.client)


async def give_to_platform(harness: ConnectionHarness, service: ConnectionService) -> ConsentGiven:
    back = await asyncio.to_thread(decide, await service.begin(MERCHANT, BROWSER), EMAIL)
    given = await service.complete(back.state, back.code, BROWSER)
    assert isinstance(given, ConsentGiven)
    assert given.return_url == "https://platform.example/back"
    assert (await harness.service.view(MERCHANT)).account is None
    return given


async def test_the_platform_completes_what_its_merchant_has_allowed_once(
    connecting_merchant: ConnectionHarness, settings: Settings
) -> None:
    service = returning(connecting_merchant, settings)
    given = await give_to_platform(connecting_merchant, service)
    assert refusal(await service.confirm(given.code, BROWSER)) is RefusalReason.UNKNOWN, "no browser decides there"
    connected = await service.complete_for_platform(MERCHANT, given.code)
    assert connected.connection.account == EMAIL
    with pytest.raises(InputError, match="code: is unknown"):
        await service.complete_for_platform(MERCHANT, given.code)


async def test_a_code_of_another_merchant_connects_nobody_and_ends_its_grant(
    connecting_merchant: ConnectionHarness, settings: Settings
) -> None:
    service = returning(connecting_merchant, settings)
    given = await give_to_platform(connecting_merchant, service)
    with pytest.raises(InputError, match="code: is unknown"):
        await service.complete_for_platform("another", given.code)
    assert await connecting_merchant.calls("oauth2.revoke") == 1
    for merchant in (MERCHANT, "another"):
        assert (await service.view(merchant)).account is None


@pytest.mark.parametrize("to_platform", [False, True])
async def test_what_nobody_confirms_in_ten_minutes_is_ended_unless_its_account_is_connected(
    connecting_merchant: ConnectionHarness, settings: Settings, *, to_platform: bool
) -> None:
    world = connecting_merchant.world
    service = returning(connecting_merchant, settings) if to_platform else connecting_merchant.service
    await connecting_merchant.connected(EMAIL, merchant="neighbour")
    for email in (EMAIL, OTHER):
        back = await asyncio.to_thread(decide, await service.begin(MERCHANT, BROWSER), email)
        assert isinstance(await service.complete(back.state, back.code, BROWSER), ConsentGiven)
    end = ConsentActivities(settings, world.store, world.vault).end_unanswered_consents
    assert await asyncio.to_thread(end) == 0
    with world.store.write() as connection:
        connection.execute(text("UPDATE pending_consent SET expires_at = '2020-01-01 00:00:00'"))
    assert await asyncio.to_thread(end) == 1
    assert await connecting_merchant.calls("oauth2.revoke") == 1, "the neighbour's account stays"
    assert await asyncio.to_thread(end) == 0
    await connecting_merchant.connected(OTHER, merchant="neighbour")
    assert await asyncio.to_thread(end) == 1, "the neighbour has gone to another account"


async def test_a_change_gives_the_left_accounts_grant_back(connecting_merchant: ConnectionHarness) -> None:
    await connecting_merchant.connected()
    asked = await connecting_merchant.consent(OTHER)
    assert isinstance(asked, ConsentGiven)
    await connecting_merchant.service.confirm(asked.code, BROWSER)
    assert await connecting_merchant.calls("oauth2.revoke") == 1
    assert (await connecting_merchant.service.view(MERCHANT)).account == OTHER


@pytest.mark.parametrize("decides", ["to change", "to stay"])
async def test_no_decision_ends_the_grant_of_another_merchant_with_the_same_account(
    connecting_merchant: ConnectionHarness, decides: str
) -> None:
    await connecting_merchant.connected(EMAIL)
    await connecting_merchant.connected(EMAIL if decides == "to change" else OTHER, merchant="neighbour")
    asked = await connecting_merchant.consent(OTHER)
    assert isinstance(asked, ConsentGiven)
    if decides == "to change":
        await connecting_merchant.service.confirm(asked.code, BROWSER)
    else:
        await connecting_merchant.service.decline(asked.code, BROWSER)
    assert await connecting_merchant.calls("oauth2.revoke") == 0


async def test_another_browser_cannot_confirm_a_change(connecting_merchant: ConnectionHarness) -> None:
    await connecting_merchant.connected()
    asked = await connecting_merchant.consent(OTHER)
    assert isinstance(asked, ConsentGiven)
    refused = await connecting_merchant.service.confirm(asked.code, "another browser")
    assert refusal(refused) is RefusalReason.OTHER_BROWSER
    assert (await connecting_merchant.service.view(MERCHANT)).account == EMAIL


async def test_a_change_that_is_declined_gives_the_other_grant_back(connecting_merchant: ConnectionHarness) -> None:
    await connecting_merchant.connected()
    asked = await connecting_merchant.consent(OTHER)
    assert isinstance(asked, ConsentGiven)
    assert await connecting_merchant.service.decline(asked.code, BROWSER) is GrantEnd.ENDED
    assert await connecting_merchant.calls("oauth2.revoke") == 1
    assert (await connecting_merchant.service.view(MERCHANT)).account == EMAIL


async def test_nothing_of_a_consent_rests_in_plain_or_reaches_a_log(
    connecting_merchant: ConnectionHarness, caplog: pytest.LogCaptureFixture
) -> None:
    await connecting_merchant.connected()
    back = decide(await connecting_merchant.service.begin(MERCHANT, BROWSER), OTHER)
    caplog.clear()  # of what the test's own browser told
    with caplog.at_level(logging.DEBUG):
        asked = await connecting_merchant.complete(back)
    assert "POST /token" in caplog.text
    assert isinstance(asked, ConsentGiven)
    grant = Connections(connecting_merchant.world.store, connecting_merchant.world.vault).grant(
        _connection(connecting_merchant)
    )
    with connecting_merchant.world.store.read() as session:
        (consent,) = session.connection().execute(text("SELECT * FROM pending_consent"))
        (connection,) = session.connection().execute(text("SELECT * FROM connection"))
    rest = f"{consent} {connection}"
    assert grant.access_token
    for secret in (grant.access_token, grant.refresh_token, BROWSER, asked.code, back.state, str(back.code)):
        assert secret not in caplog.text
        assert secret not in rest
    assert EMAIL not in rest


def _connection(connecting_merchant: ConnectionHarness) -> str:
    found = Connections(connecting_merchant.world.store, connecting_merchant.world.vault).get_active_id(MERCHANT)
    assert found
    return found


async def test_an_answer_that_comes_late_is_refused_as_late(connecting_merchant: ConnectionHarness) -> None:
    early = PendingConsents(
        connecting_merchant.world.store,
        connecting_merchant.world.vault,
        clock=lambda: datetime.now(UTC) - CONSENT_LIFETIME,
    )
    early.put(AwaitedStep.ANSWER, "late", merchant=MERCHANT, browser=BROWSER, secret="verifier")
    assert refusal(await connecting_merchant.service.complete("late", "code", BROWSER)) is RefusalReason.EXPIRED


async def test_what_expired_long_ago_is_swept_away(connecting_merchant: ConnectionHarness, vault: Vault) -> None:
    yesterday = PendingConsents(
        connecting_merchant.world.store, vault, clock=lambda: datetime.now(UTC) - timedelta(days=1)
    )
    yesterday.put(AwaitedStep.ANSWER, "old", merchant=MERCHANT, browser=BROWSER, secret="verifier")
    await connecting_merchant.service.begin(MERCHANT, BROWSER)
    assert refusal(await connecting_merchant.service.complete("old", "code", BROWSER)) is RefusalReason.UNKNOWN


async def test_without_a_public_address_no_consent_can_begin(
    connecting_merchant: ConnectionHarness, settings: Settings
) -> None:
    world = connecting_merchant.world
    nowhere = ConnectionService(settings.model_copy(update={"public_url": ""}), world.store, world.vault, world.client)
    with pytest.raises(SettingsError, match="SLOTSYNC_PUBLIC_URL"):
        await nowhere.begin(MERCHANT, BROWSER)
    assert (await nowhere.view(MERCHANT)).state is ConnectionState.DISCONNECTED


async def test_a_grant_that_google_does_not_end_now_holds_no_other_up_and_is_ended_later(
    connecting_merchant: ConnectionHarness, settings: Settings
) -> None:
    world = connecting_merchant.world
    for email in (EMAIL, OTHER):
        assert isinstance(await connecting_merchant.consent(email), ConsentGiven)
    with world.store.write() as connection:
        connection.execute(text("UPDATE pending_consent SET expires_at = '2020-01-01 00:00:00'"))
    await world.fault(method="oauth2.revoke", kind="drop", count=1)
    end = ConsentActivities(settings, world.store, world.vault).end_unanswered_consents
    assert await asyncio.to_thread(end) == 1
    assert await asyncio.to_thread(end) == 1
    assert await asyncio.to_thread(end) == 0
