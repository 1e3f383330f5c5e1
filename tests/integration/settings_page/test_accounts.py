"""Connecting from the page, as one account and as another."""

import httpx
import pytest

from slotsync.domain.audit import ActorKind, AuditAction
from slotsync.domain.availability.blocking import PickableCalendar
from slotsync.domain.connections.connection import ConnectionState
from slotsync.store.audit_log import AuditLog
from slotsync.store.availability.blocking_calendars import BlockingCalendars
from slotsync.store.connections.connection_intents import ConnectionIntents
from slotsync.store.connections.connection_views import ConnectionViews
from slotsync.store.connections.connections import Connections
from tests.support.consent_browser import decide
from tests.support.http import tls
from tests.support.page_consents import allow, come_back, connect, connected_as, decide_on, follow
from tests.support.samples import TOUR
from tests.support.site import Site, enter, token_in
from tests.support.waiting import until

pytestmark = pytest.mark.anyio


def other(site: Site) -> str:
    """Return a second Google account of the merchant."""
    return f"other-{site.email}"


def granted_by(site: Site) -> list[ActorKind]:
    """Return by which kinds of actors the audit log says that accounts were connected."""
    entries = AuditLog(site.world.store, site.world.vault).list_entries(site.merchant, 100)
    given = [entry.detail for entry in entries if entry.action == AuditAction.GRANT_GIVEN]
    return [detail.by.kind for detail in given if detail]


@pytest.fixture
async def accounts(site: Site) -> Site:
    for email in (site.email, other(site)):
        await site.account(email)
    return site


async def test_a_merchant_who_connects_again_with_another_account_is_asked_and_may_stay(accounts: Site) -> None:
    async with accounts.visitor() as mine:
        assert "Google is connected." in await connect(accounts, mine, accounts.email)
        page = await allow(accounts, mine, other(accounts))
        assert f"<strong>{accounts.email}</strong> is connected, and you have chosen" in page
        assert "Nothing was connected" in await decide_on(page, mine, "decline")
    assert connected_as(accounts) == accounts.email
    assert granted_by(accounts) == [ActorKind.VISIT]


async def test_a_merchant_may_change_to_another_account(accounts: Site) -> None:
    async with accounts.visitor() as mine:
        await connect(accounts, mine, accounts.email)
        assert "Google is connected." in await connect(accounts, mine, other(accounts))
    assert connected_as(accounts) == other(accounts)


async def test_the_same_account_goes_on(accounts: Site) -> None:
    async with accounts.visitor() as mine:
        for _ in range(2):
            assert "Google is connected." in await connect(accounts, mine, accounts.email)


async def test_the_page_of_a_refused_grant_says_who_can_help_now(accounts: Site) -> None:
    world = accounts.world
    connections, intents = Connections(world.store, world.vault), ConnectionIntents(world.store)
    async with accounts.visitor() as mine:
        await connect(accounts, mine, accounts.email)
        connection_id = connections.get_active_id(accounts.merchant)
        assert connection_id
        number = connections.get_grant_number_by_id(connection_id)
        connections.mark_revoked(connection_id, "admin_policy_enforced", number)
        assert "The administrator of your Google Workspace" in (await mine.get("/settings/")).text
        intents.stop(accounts.merchant, world.store.now())
        assert "operator has stopped it" in (await mine.get("/settings/")).text
        connections.forget_refused(accounts.merchant, number)
        page = (await mine.get("/settings/")).text
        assert "connect again, and all waiting changes are written" in page
        assert "The administrator of your Google Workspace" not in page


@pytest.mark.parametrize("leads", ["google/connect", "settings-link"])
async def test_somebody_who_was_sent_a_merchants_link_is_asked_before_anything_is_connected(
    accounts: Site, leads: str
) -> None:
    name = {"name": "Arctic Kayaks & Co"}
    (await accounts.platform.put(f"/v1/merchants/{accounts.merchant}", json=name)).raise_for_status()
    victims = other(accounts)
    async with httpx.AsyncClient(base_url=accounts.url, follow_redirects=True, verify=tls()) as victim:
        if leads == "google/connect":
            begun = await follow(victim, await accounts.link(leads=leads))
            page = await come_back(victim, begun.headers["location"], victims)
        else:
            await enter(victim, await accounts.link())
            page = await allow(accounts, victim, victims)
        assert f"Connect <strong>{victims}</strong> to <strong>Arctic Kayaks &amp; Co</strong>?" in page
        assert "somebody else sent you here, do not connect" in page
        assert connected_as(accounts) is None
        assert "Nothing was connected" in await decide_on(page, victim, "decline")
    assert connected_as(accounts) is None


async def test_with_a_return_address_the_browser_goes_back_to_the_platform_which_completes(accounts: Site) -> None:
    address = {"return_url": "https://platform.example/back?tab=google"}
    (await accounts.platform.put(f"/v1/merchants/{accounts.merchant}", json=address)).raise_for_status()
    async with httpx.AsyncClient(base_url=accounts.url, verify=tls()) as mine:
        begun = await follow(mine, await accounts.link(leads="google/connect"))
        back = decide(begun.headers["location"], accounts.email)
        returned = await mine.get("/google/callback", params={"state": back.state, "code": back.code or ""})
        place = httpx.URL(returned.headers["location"])
        assert (place.host, place.path, place.params["tab"]) == ("platform.example", "/back", "google")
        assert place.params["merchant"] == accounts.merchant
        assert connected_as(accounts) is None
        path, code = f"/v1/merchants/{accounts.merchant}/google/complete", {"code": place.params["code"]}
        completed = (await accounts.platform.post(path, json=code)).raise_for_status().json()
        assert (completed["state"], completed["account"]) == ("active", accounts.email)
        assert granted_by(accounts) == [ActorKind.KEY]
        assert (await accounts.platform.post(path, json=code)).status_code == 422
        begun = await follow(mine, await accounts.link(leads="google/connect"))
        denied = decide(begun.headers["location"], accounts.email, decision="cancel")
        returned = await mine.get("/google/callback", params={"state": denied.state, "error": denied.error})
        assert httpx.URL(returned.headers["location"]).params["error"] == "denied"


async def test_a_merchant_who_declines_in_google_sees_that_nothing_has_changed(accounts: Site) -> None:
    async with accounts.visitor() as mine:
        assert "You did not allow access" in await allow(accounts, mine, accounts.email, decision="cancel")


async def test_a_link_to_connect_leads_to_google_and_back_to_the_page(accounts: Site) -> None:
    async with httpx.AsyncClient(base_url=accounts.url, follow_redirects=True, verify=tls()) as mine:
        begun = await follow(mine, await accounts.link(leads="google/connect"))
        page = await decide_on(await come_back(mine, begun.headers["location"], accounts.email), mine, "connect")
    assert "Google is connected." in page
    assert f"<strong>{accounts.email}</strong>" in page


async def test_a_dead_grant_is_said_in_plain_words_and_can_still_be_disconnected(accounts: Site) -> None:
    async with accounts.world.working(), accounts.visitor() as mine:
        await connect(accounts, mine, accounts.email)
        product = f"/v1/merchants/{accounts.merchant}/products/{TOUR.id}"
        assert (await accounts.platform.put(product, json={"name": "Tour"})).status_code == 200
        picked = [PickableCalendar(id=accounts.email, name="Mine")]
        BlockingCalendars(accounts.world.store, accounts.world.vault).replace(accounts.merchant, TOUR, picked)
        (await accounts.world.http.post(f"/sandbox/accounts/{accounts.email}/revoke")).raise_for_status()
        await accounts.platform.get(f"/v1/merchants/{accounts.merchant}/google/calendars")
        page = await mine.get("/settings/")
        assert "Google no longer gives us access." in page.text
        gone = await mine.post("/settings/disconnect", data={"token": token_in(page.text), "calendars": "delete"})
        assert "Google is disconnected." in gone.text
        assert "all products are now sold without a look at your appointments" in gone.text
    view = ConnectionViews(accounts.world.store, accounts.world.vault, ()).get_view(accounts.merchant)
    assert view.state is ConnectionState.DISCONNECTED
    assert view.account is None


@pytest.mark.parametrize(
    ("language", "said"), [("en", "One calendar is out of reach"), ("fi", "Yhteen kalenteriin ei enää pääse")]
)
async def test_a_disconnection_says_that_a_calendar_is_out_of_reach(accounts: Site, language: str, said: str) -> None:
    world = accounts.world
    async with world.working(), accounts.visitor() as mine:
        await connect(accounts, mine, accounts.email)
        await accounts.platform.put(f"/v1/merchants/{accounts.merchant}/products/tour", json={"name": "tour"})

        async def made() -> bool:
            return "tour" in await world.calendars(accounts.email)

        await until(made)
        calendar = (await world.calendars(accounts.email))["tour"]
        (await world.http.delete(f"/sandbox/accounts/{accounts.email}/calendars/{calendar}")).raise_for_status()
        page = await mine.get(f"/settings/language/{language}")
        gone = await mine.post("/settings/disconnect", data={"token": token_in(page.text), "calendars": "delete"})
        assert said in gone.text


async def test_the_page_says_truly_whether_the_access_was_given_back(accounts: Site) -> None:
    async with accounts.visitor() as mine:
        page = await allow(accounts, mine, other(accounts))
        fault = {"method": "oauth2.revoke", "kind": "backendError", "status": 503, "count": 1}
        await accounts.world.fault(**fault)
        assert "Google has not taken the access back yet" in await decide_on(page, mine, "decline")
        await connect(accounts, mine, accounts.email)
        page = await allow(accounts, mine, accounts.email)
        assert "The access to that account stays" in await decide_on(page, mine, "decline")
        page = await allow(accounts, mine, other(accounts))
        assert "was given back to Google" in await decide_on(page, mine, "decline")
