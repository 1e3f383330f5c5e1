"""From "Connect Google Calendar" to a stored grant, and every way in which that must not work."""

import logging
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import text

from slotsync.domain.connections.connection import (
    APP_CREATED,
    CALENDAR_LIST,
    EVENTS_FREEBUSY,
    FREEBUSY,
    ConnectionState,
    wanted_scopes,
)
from slotsync.errors import SettingsError
from slotsync.secrets import Vault
from slotsync.settings import Settings
from slotsync.store.connections.connections import Connections
from slotsync.store.connections.pending_consents import LIFETIME, Awaited, PendingConsents
from starter.services.connections import AnotherAccount, Connected, ConnectionService, ConsentRefused, Reason
from tests.support.connection_harness import BROWSER, OTHER, ConnectionHarness
from tests.support.consent_browser import decide
from tests.support.samples import EMAIL, MERCHANT

pytestmark = pytest.mark.anyio


def refusal(result: object) -> Reason:
    assert isinstance(result, ConsentRefused), result
    assert result.says
    return result.reason


async def test_a_merchant_who_allows_everything_is_connected_as_that_account(office: ConnectionHarness) -> None:
    connection = await office.connected()
    assert (connection.state, connection.account) == (ConnectionState.ACTIVE, EMAIL)
    assert set(connection.granted) == wanted_scopes(push=True)
    assert connection.missing == ()


async def test_google_is_asked_for_lasting_access_to_the_least_that_works(office: ConnectionHarness) -> None:
    asked = parse_qs(urlsplit(await office.connecting.begin(MERCHANT, BROWSER)).query)
    assert set(asked["scope"][0].split()) == wanted_scopes(push=True)
    assert (asked["access_type"], asked["prompt"], asked["code_challenge_method"]) == (
        ["offline"],
        ["consent"],
        ["S256"],
    )
    assert asked["redirect_uri"] == ["http://127.0.0.1:9/google/callback"]
    assert "include_granted_scopes" not in asked


async def test_a_stricter_platform_never_gets_the_scope_that_shows_events(
    office: ConnectionHarness, settings: Settings
) -> None:
    await office.connected()
    world = office.world
    strict = ConnectionService(
        settings.model_copy(update={"google_push": False}), world.store, world.vault, world.client
    )
    back = decide(await strict.begin(MERCHANT, BROWSER), EMAIL)
    result = await strict.complete(back.state, back.code, BROWSER)
    assert isinstance(result, Connected)
    assert FREEBUSY in result.connection.granted
    assert EVENTS_FREEBUSY not in result.connection.granted


async def test_what_was_not_allowed_is_told_and_the_rest_works(office: ConnectionHarness) -> None:
    result = await office.consent(ticked=frozenset({APP_CREATED, EVENTS_FREEBUSY}))
    assert isinstance(result, Connected)
    assert result.connection.state is ConnectionState.ACTIVE
    assert [each.scope for each in result.connection.missing] == [CALENDAR_LIST]
    assert "cannot be listed" in result.connection.missing[0].consequence


async def test_asking_again_gets_what_was_missing(office: ConnectionHarness) -> None:
    await office.consent(ticked=frozenset({APP_CREATED}))
    assert (await office.connecting.view(MERCHANT)).missing
    assert (await office.connected()).missing == ()


async def test_whoever_says_no_changes_nothing(office: ConnectionHarness) -> None:
    back = decide(await office.connecting.begin(MERCHANT, BROWSER), EMAIL, decision="deny")
    assert refusal(await office.bring(back)) is Reason.DENIED


async def test_an_answer_is_used_once(office: ConnectionHarness) -> None:
    back = decide(await office.connecting.begin(MERCHANT, BROWSER), EMAIL)
    assert isinstance(await office.bring(back), Connected)
    assert refusal(await office.bring(back)) is Reason.UNKNOWN


async def test_a_forged_state_is_refused_without_asking_google(office: ConnectionHarness) -> None:
    back = decide(await office.connecting.begin(MERCHANT, BROWSER), EMAIL)
    assert refusal(await office.connecting.complete("forged", back.code, BROWSER)) is Reason.UNKNOWN
    assert await office.calls("oauth2.token") == 0


async def test_another_browser_is_refused_and_the_answer_is_used_up(office: ConnectionHarness) -> None:
    back = decide(await office.connecting.begin(MERCHANT, BROWSER), EMAIL)
    assert refusal(await office.bring(back, "another browser")) is Reason.OTHER_BROWSER
    assert refusal(await office.bring(back)) is Reason.UNKNOWN
    assert await office.calls("oauth2.token") == 0


async def test_a_code_of_another_consent_is_not_accepted(office: ConnectionHarness) -> None:
    mine = decide(await office.connecting.begin(MERCHANT, BROWSER), EMAIL)
    stolen = decide(await office.connecting.begin("other-merchant", BROWSER), OTHER)
    assert refusal(await office.connecting.complete(mine.state, stolen.code, BROWSER)) is Reason.NOT_ACCEPTED
    assert (await office.connecting.view(MERCHANT)).account is None


async def test_google_out_of_reach_is_said_and_changes_nothing(office: ConnectionHarness) -> None:
    back = decide(await office.connecting.begin(MERCHANT, BROWSER), EMAIL)
    await office.world.fault(method="oauth2.token", kind="drop", count=4)
    assert refusal(await office.bring(back)) is Reason.UNREACHABLE


async def test_a_first_consent_that_is_open_is_pending(office: ConnectionHarness) -> None:
    assert (await office.connecting.view(MERCHANT)).state is ConnectionState.DISCONNECTED
    await office.connecting.begin(MERCHANT, BROWSER)
    assert (await office.connecting.view(MERCHANT)).state is ConnectionState.PENDING


async def test_the_same_account_goes_on_as_the_same_connection(office: ConnectionHarness) -> None:
    await office.connected()
    connections = Connections(office.world.store, office.world.vault)
    before = connections.active_id(MERCHANT)
    await office.connected()
    assert connections.active_id(MERCHANT) == before


async def test_another_account_changes_nothing_until_it_is_confirmed(office: ConnectionHarness) -> None:
    await office.connected()
    asked = await office.consent(OTHER)
    assert isinstance(asked, AnotherAccount)
    assert (asked.connected, asked.chosen) == (EMAIL, OTHER)
    assert EMAIL in asked.means
    assert (await office.connecting.view(MERCHANT)).account == EMAIL
    confirmed = await office.connecting.confirm_account_change(asked.change, BROWSER)
    assert isinstance(confirmed, Connected)
    assert confirmed.connection.account == OTHER
    assert refusal(await office.connecting.confirm_account_change(asked.change, BROWSER)) is Reason.UNKNOWN


async def test_a_change_gives_the_left_accounts_grant_back(office: ConnectionHarness) -> None:
    await office.connected()
    asked = await office.consent(OTHER)
    assert isinstance(asked, AnotherAccount)
    await office.connecting.confirm_account_change(asked.change, BROWSER)
    assert await office.calls("oauth2.revoke") == 1
    assert (await office.connecting.view(MERCHANT)).account == OTHER


@pytest.mark.parametrize("decides", ["to change", "to stay"])
async def test_no_decision_ends_the_grant_of_another_merchant_with_the_same_account(
    office: ConnectionHarness, decides: str
) -> None:
    await office.connected(EMAIL)
    await office.connected(EMAIL if decides == "to change" else OTHER, merchant="neighbour")
    asked = await office.consent(OTHER)
    assert isinstance(asked, AnotherAccount)
    if decides == "to change":
        await office.connecting.confirm_account_change(asked.change, BROWSER)
    else:
        await office.connecting.decline_account_change(asked.change, BROWSER)
    assert await office.calls("oauth2.revoke") == 0


async def test_another_browser_cannot_confirm_a_change(office: ConnectionHarness) -> None:
    await office.connected()
    asked = await office.consent(OTHER)
    assert isinstance(asked, AnotherAccount)
    refused = await office.connecting.confirm_account_change(asked.change, "another browser")
    assert refusal(refused) is Reason.OTHER_BROWSER
    assert (await office.connecting.view(MERCHANT)).account == EMAIL


async def test_a_change_that_is_declined_gives_the_other_grant_back(office: ConnectionHarness) -> None:
    await office.connected()
    asked = await office.consent(OTHER)
    assert isinstance(asked, AnotherAccount)
    assert await office.connecting.decline_account_change(asked.change, BROWSER) is None
    assert await office.calls("oauth2.revoke") == 1
    assert (await office.connecting.view(MERCHANT)).account == EMAIL


async def test_nothing_of_a_consent_rests_in_plain_or_reaches_a_log(
    office: ConnectionHarness, caplog: pytest.LogCaptureFixture
) -> None:
    await office.connected()
    back = decide(await office.connecting.begin(MERCHANT, BROWSER), OTHER)
    caplog.clear()  # of what the test's own browser told
    with caplog.at_level(logging.DEBUG):
        asked = await office.bring(back)
    assert "POST /token" in caplog.text
    assert isinstance(asked, AnotherAccount)
    grant = Connections(office.world.store, office.world.vault).grant(_connection(office))
    with office.world.store.read() as session:
        rest = str([*session.connection().execute(text("SELECT * FROM pending_consent"))])
        rest += str([*session.connection().execute(text("SELECT * FROM connection"))])
    assert grant.access_token
    for secret in (grant.access_token, grant.refresh_token, BROWSER, asked.change, back.state, str(back.code)):
        assert secret not in caplog.text
        assert secret not in rest
    assert EMAIL not in rest


def _connection(office: ConnectionHarness) -> str:
    found = Connections(office.world.store, office.world.vault).active_id(MERCHANT)
    assert found
    return found


async def test_an_answer_that_comes_late_is_refused_as_late(office: ConnectionHarness) -> None:
    early = PendingConsents(office.world.store, office.world.vault, clock=lambda: datetime.now(UTC) - LIFETIME)
    early.put(Awaited.ANSWER, "late", merchant=MERCHANT, browser=BROWSER, secret="verifier")
    assert refusal(await office.connecting.complete("late", "code", BROWSER)) is Reason.EXPIRED


async def test_what_expired_long_ago_is_swept_away(office: ConnectionHarness, vault: Vault) -> None:
    yesterday = PendingConsents(office.world.store, vault, clock=lambda: datetime.now(UTC) - timedelta(days=1))
    yesterday.put(Awaited.ANSWER, "old", merchant=MERCHANT, browser=BROWSER, secret="verifier")
    await office.connecting.begin(MERCHANT, BROWSER)
    assert refusal(await office.connecting.complete("old", "code", BROWSER)) is Reason.UNKNOWN


async def test_without_a_public_address_nobody_can_be_sent_to_google(
    office: ConnectionHarness, settings: Settings
) -> None:
    world = office.world
    nowhere = ConnectionService(settings.model_copy(update={"public_url": ""}), world.store, world.vault, world.client)
    with pytest.raises(SettingsError, match="SLOTSYNC_PUBLIC_URL"):
        await nowhere.begin(MERCHANT, BROWSER)
    assert (await nowhere.view(MERCHANT)).state is ConnectionState.DISCONNECTED
