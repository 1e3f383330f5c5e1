"""Two browsers: an attacker gets nothing of a victim's account unless the victim presses a button that names both."""

from collections.abc import AsyncIterator

import httpx
import pytest
from playwright.async_api import Page

from localgoogle.options import LocalGoogleOptions
from localgoogle.server import running_local_google
from slotsync.mail.reconnect_links import ReconnectLinks
from slotsync.store.connections.connections import Connections
from tests.support.attacker_and_victim import (
    ASKS_ITSELF,
    ASKS_THE_PLATFORM,
    ATTACKERS_NAME,
    GOOGLE,
    VICTIMS_NAME,
    Play,
    Stage,
    play_on,
    stage_of,
)
from tests.support.browser import launched_chromium
from tests.support.samples import TOUR

pytestmark = pytest.mark.anyio

BOTH_WAYS = pytest.mark.parametrize("way", [ASKS_ITSELF, ASKS_THE_PLATFORM])
PLATFORM_ONLY = pytest.mark.parametrize("way", [ASKS_THE_PLATFORM])


@pytest.fixture(scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """One set of servers, and two browsers that are processes of their own."""
    folder = tmp_path_factory.mktemp("stage")
    with running_local_google(LocalGoogleOptions.unlimited()) as google:
        async with (
            launched_chromium() as attacker,
            launched_chromium() as victim,
            stage_of(google, folder, attacker, victim) as built,
        ):
            yield built


@pytest.fixture
async def play(stage: Stage, way: str) -> AsyncIterator[Play]:
    async with play_on(stage, way) as begun:
        yield begun


@pytest.fixture
def way() -> str:
    return ASKS_ITSELF


async def nothing_of_the_victim(play: Play, account: str | None = None) -> None:
    """Check that the attacker's merchant has this account, and sees nothing of the victim."""
    assert await play.account_of(play.attackers) == account
    assert await play.found_by_the_attacker() == set()


# Connect: the attacker begins, and sends on the address at Google, where its name is nowhere.


@BOTH_WAYS
async def test_the_address_at_google_connects_nothing_in_another_browser(play: Play) -> None:
    await play.victim.page.goto(await play.google_url())
    await play.victim.consents(play.victims.email)
    await play.victim.sees("Nothing was connected")
    await play.victim.sees("somebody else sent you")
    await nothing_of_the_victim(play)
    assert not play.grant_lives()


@BOTH_WAYS
async def test_nor_where_google_asks_nothing_since_the_victim_has_allowed_it_to_its_own_merchant(play: Play) -> None:
    await play.connect(play.victims)
    await play.open_settings(play.victim, play.victims)
    await play.victim.page.goto(play.stage.platform.login(play.victims.merchant))
    url = httpx.URL(await play.google_url()).copy_remove_param("prompt")
    await play.victim.page.goto(str(url.copy_set_param("login_hint", play.victims.email)))
    asks_itself = play.victim.page.url.startswith(play.victims.url)
    await play.victim.sees("started in another browser" if asks_itself else "Not connected: other_browser")
    await nothing_of_the_victim(play)
    assert (await play.account_of(play.victims), play.grant_lives()) == (play.victims.email, True)


async def test_a_link_that_is_sent_on_asks_by_name_before_anything_is_connected(play: Play) -> None:
    await play.victim.page.goto(await play.attackers.link("google/connect"))
    await play.victim.sees(f"Connect a Google account to {ATTACKERS_NAME}")
    await play.victim.presses("Go on to Google")
    await play.victim.consents(play.victims.email)
    await play.victim.sees(f"Connect {play.victims.email} to {ATTACKERS_NAME}?")
    await play.victim.sees(f"If you do not work for {ATTACKERS_NAME}, or somebody else sent you here")
    await nothing_of_the_victim(play)
    await play.victim.presses("Do not connect")
    await play.victim.sees("Nothing was connected")
    await nothing_of_the_victim(play)
    assert not play.grant_lives()


@PLATFORM_ONLY
async def test_a_link_that_is_sent_on_connects_nothing_where_the_platform_knows_somebody_else(play: Play) -> None:
    for logged_in in (False, True):
        if logged_in:
            await play.victim.page.goto(play.stage.platform.login(play.victims.merchant))
        await play.victim.page.goto(await play.attackers.link("google/connect"))
        await play.victim.sees(ATTACKERS_NAME)
        await play.victim.presses("Go on to Google")
        await play.victim.consents(play.victims.email)
        await play.victim.sees(f"{play.victims.merchant}: refused" if logged_in else "Please log in.")
        await nothing_of_the_victim(play)
        assert await play.account_of(play.victims) is None


@PLATFORM_ONLY
async def test_the_attackers_account_is_not_slipped_to_the_victims_merchant_either(play: Play) -> None:
    await play.attacker.page.goto(await play.attackers.link("google/connect"))
    await play.attacker.presses("Go on to Google")
    await play.attacker.consents(play.attackers.email)
    await play.attacker.sees("Please log in.")
    returned = httpx.URL(play.attacker.page.url)
    await play.victim.page.goto(play.stage.platform.login(play.victims.merchant))
    await play.victim.page.goto(str(returned.copy_set_param("merchant", play.victims.merchant)))
    await play.victim.sees(f"{play.victims.merchant}: refused")
    assert await play.account_of(play.victims) is None


# Reconnect: the attacker's merchant was connected, and Google refuses its grant.


def refuse(play: Play) -> int:
    """Let Google refuse the grant of the attacker's merchant, and return its number."""
    connections = Connections(play.attackers.world.store, play.attackers.world.vault)
    number, connection_id = (
        connections.get_grant_number(play.attackers.merchant),
        connections.get_active_id(play.attackers.merchant),
    )
    assert connection_id
    assert connections.mark_revoked(connection_id, "invalid_grant", number)
    return number


@PLATFORM_ONLY
async def test_the_address_at_google_reconnects_nothing_in_another_browser(play: Play) -> None:
    await play.connect(play.attackers)
    refuse(play)
    await play.open_settings(play.attacker, play.attackers)
    await play.attacker.presses(GOOGLE)
    await play.attacker.page.wait_for_url(f"{play.stage.google.url}/**")
    await play.victim.page.goto(play.attacker.page.url)
    await play.victim.consents(play.victims.email)
    await play.victim.sees("Nothing was connected")
    await nothing_of_the_victim(play, play.attackers.email)
    assert not play.grant_lives()


@BOTH_WAYS
async def test_the_link_of_an_e_mail_that_is_sent_on_takes_no_other_account(play: Play, way: str) -> None:
    await play.connect(play.attackers)
    settings = play.attackers.world.settings.model_copy(update={"public_url": play.attackers.url})
    await play.victim.page.goto(ReconnectLinks(settings).create(play.attackers.merchant, refuse(play)))
    await play.victim.sees(f"Connect Google to {ATTACKERS_NAME} again")
    await play.victim.presses("Go on to Google")
    await play.victim.consents(play.victims.email)
    if way == ASKS_ITSELF:
        await play.victim.sees("another account than the one that was connected")
        await play.victim.sees(ATTACKERS_NAME)
    else:
        await play.victim.sees("Please log in.")
    await nothing_of_the_victim(play, play.attackers.email)
    assert not play.grant_lives()


# Settings links: the victim has its own merchant's page open.


async def test_a_settings_link_over_a_living_visit_asks_first_and_every_page_names_its_merchant(play: Play) -> None:
    page = play.victim.page
    await play.open_settings(play.victim, play.victims)
    own = await page.context.new_page()
    await own.goto(page.url)
    await page.goto(await play.attackers.link())
    await play.victim.sees(f"You are looking at the settings of {VICTIMS_NAME} in this browser. That visit ends.")
    await play.victim.sees(f"Open the Google Calendar settings of {ATTACKERS_NAME}.")
    await own.reload()
    assert await named_on(own) == {VICTIMS_NAME}, "a look ends no visit"
    await play.victim.presses("Open the settings")
    await play.victim.sees("Your Google Calendar")
    for path in ("", f"?owner={TOUR}", "changes", "nothing", "open?link=used", "?notice=connected"):
        await page.goto(f"{play.victims.url}/settings/{path}")
        assert await named_on(page) == {ATTACKERS_NAME}, path
    await own.get_by_role("button", name=GOOGLE).click()
    await own.get_by_text("This form is no longer valid").wait_for()
    assert await named_on(own) == {ATTACKERS_NAME}, "the former visit's page connects nothing, and says what is open"
    await page.goto(f"{play.victims.url}/settings/")
    await play.victim.presses(GOOGLE)
    await play.victim.consents(play.victims.email)
    await play.victim.sees(f"Connect {play.victims.email} to {ATTACKERS_NAME}?")
    await nothing_of_the_victim(play)
    await page.goto(f"{play.victims.url}/settings/")
    await play.victim.presses("Sign out")
    await play.victim.sees("Signed out")
    assert await named_on(page) == {ATTACKERS_NAME}


async def test_a_settings_link_that_is_sent_on_after_its_use_opens_nothing(play: Play) -> None:
    link = await play.attackers.link()
    await play.attacker.page.goto(link)
    await play.attacker.presses("Open the settings")
    await play.open_settings(play.victim, play.victims)
    await play.victim.page.goto(link)
    await play.victim.sees("This link was used before")
    assert await named_on(play.victim.page) == {VICTIMS_NAME}, "the visit that goes on"
    await play.victim.page.get_by_role("link", name="Back to the settings").click()
    await play.victim.sees("Not connected")
    assert await named_on(play.victim.page) == {VICTIMS_NAME}


async def named_on(page: Page) -> set[str]:
    """Return the merchants that a page names."""
    text = await page.inner_text("main")
    return {name for name in (ATTACKERS_NAME, VICTIMS_NAME) if name in text}


# Account change: the attacker's own account is connected.


async def test_the_victims_account_replaces_the_attackers_own_only_after_a_press(play: Play) -> None:
    await play.connect(play.attackers)
    for decision in ("Do not connect", f"Connect {play.victims.email}"):
        await play.victim.page.goto(await play.attackers.link("google/connect"))
        await play.victim.presses("Go on to Google")
        await play.victim.consents(play.victims.email)
        await play.victim.sees(f"Connect {play.victims.email} to {ATTACKERS_NAME}?")
        await play.victim.sees(f"{play.attackers.email} is connected, and you have chosen {play.victims.email}")
        await nothing_of_the_victim(play, play.attackers.email)
        await play.victim.presses(decision)
        await play.victim.sees("Google is connected" if decision.startswith("Connect") else "Nothing was connected")
    assert await play.account_of(play.attackers) == play.victims.email
    assert await play.found_by_the_attacker() == {play.victims.email, play.diary}, "the search finds what is there"


async def test_the_address_at_google_changes_no_account_in_another_browser(play: Play) -> None:
    await play.connect(play.attackers)
    await play.victim.page.goto(await play.google_url())
    await play.victim.consents(play.victims.email)
    await play.victim.sees("Nothing was connected")
    await nothing_of_the_victim(play, play.attackers.email)
    assert not play.grant_lives()
