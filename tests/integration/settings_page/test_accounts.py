"""Connecting from the page, as one account and as another."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape

import httpx
import pytest

from slotsync.domain.audit import ActorKind, AuditAction
from slotsync.domain.availability.blocking import PickableCalendar
from slotsync.domain.connections.connection import FREEBUSY, ConnectionState, wanted_scopes
from slotsync.store.audit_log import AuditLog
from slotsync.store.availability.blocking_calendars import BlockingCalendars
from slotsync.store.calendars.owners import Owners
from slotsync.store.connections.connection_intents import ConnectionIntents
from slotsync.store.connections.connection_views import ConnectionViews
from slotsync.store.connections.connections import Connections
from tests.support.consent_browser import decide
from tests.support.http import tls
from tests.support.page_consents import allow, come_back, connect, connected_as, decide_on, follow
from tests.support.samples import TOUR, item, settings_of, snapshot
from tests.support.site import Site, enter, token_in
from tests.support.waiting import until

pytestmark = pytest.mark.anyio

DAY = (datetime.now(UTC) + timedelta(days=2)).date()


def other(site: Site) -> str:
    """Return a second Google account of the merchant."""
    return f"other-{site.email}"


def granted_by(site: Site) -> list[ActorKind]:
    """Return by which kinds of actors the audit log says that accounts were connected."""
    entries = AuditLog(site.world.store, site.world.vault).list_entries(site.merchant, 100)
    given = [entry.detail for entry in entries if entry.action == AuditAction.GRANT_GIVEN]
    return [detail.by.kind for detail in given if detail]


def language_links(page: str) -> list[str]:
    """Return the links to the languages: English, Finnish."""
    return [unescape(each) for each in re.findall(r'href="(/settings/language/[^"]+)"', page)]


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


async def test_the_question_stays_in_the_other_language_and_after_a_reload_until_it_is_decided(accounts: Site) -> None:
    asked = f"Connect <strong>{accounts.email}</strong> to"
    async with accounts.visitor() as mine, accounts.visitor() as another:
        token = token_in((await mine.get("/settings/")).text)
        begun = await mine.post("/settings/connect", data={"token": token}, follow_redirects=False)
        back = decide(begun.headers["location"], accounts.email)
        answer = f"/google/callback?state={back.state}&code={back.code}"
        shown = await mine.get(answer)
        assert asked in shown.text
        assert (await mine.get(answer)).text == shown.text
        finnish = (await mine.get(language_links(shown.text)[1])).text
        assert f"Yhdistetäänkö <strong>{accounts.email}</strong>" in finnish
        assert "never asked for" in (await another.get(answer)).text, "another visit of the merchant"
        async with httpx.AsyncClient(base_url=accounts.url, verify=tls()) as stranger:
            assert (await stranger.get(answer)).status_code == 401
        assert connected_as(accounts) is None
        await mine.get("/settings/language/en")
        await decide_on(finnish, mine, "connect")
        assert connected_as(accounts) == accounts.email
        assert "never asked for" in (await mine.get(answer)).text


@pytest.mark.parametrize(
    "page",
    [
        "/settings/",
        f"/settings/?owner=product%3A{TOUR.id}&week=2027-07-05",
        "/settings/?search=tour",
        "/settings/changes?before=2",
        "/settings/open?link=x",
        "/google/connect?link=x",
        "/google/reconnect?link=x",
        "/google/reconnected?notice=connected",
    ],
)
async def test_a_language_link_leads_back_to_the_page_on_which_it_is(accounts: Site, page: str) -> None:
    Owners(accounts.world.store).put(accounts.merchant, TOUR, settings_of(TOUR))
    async with accounts.visitor() as mine:
        chosen = await mine.get(language_links((await mine.get(page)).text)[1])
    assert (httpx.URL(page).raw_path, chosen.headers["content-language"]) == (chosen.url.raw_path, "fi")


@pytest.mark.parametrize(
    "to",
    ["", "https://evil.example/settings/", "//evil.example/settings/", "/\\evil.example", "javascript:x", "/x"],
)
async def test_a_language_link_leads_nowhere_else(accounts: Site, to: str) -> None:
    async with httpx.AsyncClient(base_url=accounts.url, verify=tls()) as mine:
        answer = await mine.get("/settings/language/fi", params={"to": to})
    assert (answer.status_code, answer.headers.get("location")) == (303, "/settings/")


async def test_the_link_to_google_says_who_connects(accounts: Site) -> None:
    address = {"return_url": "https://platform.example/back"}
    async with httpx.AsyncClient(base_url=accounts.url, verify=tls()) as mine:
        link = await accounts.link(leads="google/connect")
        assert "are asked once more before anything is connected" in (await mine.get(link)).text
        (await accounts.platform.put(f"/v1/merchants/{accounts.merchant}", json=address)).raise_for_status()
        page = (await mine.get(link)).text
    assert "asked once more" not in page
    assert "Then you go back to your booking system, which connects it." in page


async def test_the_question_says_what_is_so_of_a_refused_account_and_of_the_chosen_one(accounts: Site) -> None:
    connections = Connections(accounts.world.store, accounts.world.vault)
    async with accounts.visitor() as mine:
        await connect(accounts, mine, accounts.email)
        connection_id = connections.get_active_id(accounts.merchant)
        assert connection_id
        connections.mark_revoked(connection_id, "invalid_grant", connections.get_grant_number_by_id(connection_id))
        page = await allow(accounts, mine, other(accounts))
        assert f"<strong>{accounts.email}</strong> was connected until Google ended our access" in page
        page = await allow(accounts, mine, accounts.email)
        assert "Those that are missing are created." in page


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


CLOSED = "products with picked calendars cannot be booked, unless you chose otherwise for unknown times"
SCOPES = {each.rpartition("/")[2]: each for each in wanted_scopes(push=True) | {FREEBUSY}}


@pytest.mark.parametrize(
    ("granted", "answers", "consequence"),
    [
        ("calendar.app.created calendar.calendarlist.readonly", ("unknown", "unknown"), CLOSED),
        ("calendar.app.created calendar.calendarlist.readonly calendar.freebusy", ("no", "yes"), "a little later"),
        ("calendar.app.created calendar.events.freebusy", ("no", "yes"), "none can be picked to block times"),
        ("calendar.calendarlist.readonly calendar.events.freebusy", ("no", "yes"), "reservations do not appear"),
    ],
)
async def test_what_a_missing_scope_is_said_to_do_is_what_availability_and_confirm_answer(
    accounts: Site, granted: str, answers: tuple[str, str], consequence: str
) -> None:
    await accounts.world.connect(accounts.merchant, accounts.email, scopes={SCOPES[name] for name in granted.split()})
    Owners(accounts.world.store).put(accounts.merchant, TOUR, settings_of(TOUR))
    await accounts.appointment(accounts.email, "Dentist", f"{DAY}T09:00:00Z", f"{DAY}T10:00:00Z")
    picked = [PickableCalendar(id=accounts.email, name="Mine")]
    BlockingCalendars(accounts.world.store, accounts.world.vault).replace(accounts.merchant, TOUR, picked)
    product = f"/v1/merchants/{accounts.merchant}/products/{TOUR.id}"

    async def ask(start: int) -> str:
        times = {"start": f"{DAY}T{start:02}:00:00Z", "end": f"{DAY}T{start + 1:02}:00:00Z", "within_ms": 20_000}
        return str((await accounts.platform.post(f"{product}/confirm", json=times)).raise_for_status().json()["answer"])

    async with accounts.world.working(), accounts.visitor() as mine:
        assert (await ask(9), await ask(14)) == answers
        query = {"from": f"{DAY}T14:00:00Z", "to": f"{DAY}T15:00:00Z"}

        async def published() -> bool:
            found = (await accounts.platform.get(f"{product}/availability", params=query)).raise_for_status().json()
            return [each["closed"] for each in found["slots"]] == ([True] if answers[1] == "unknown" else [])

        await until(published)
        said = (await accounts.platform.get(f"/v1/merchants/{accounts.merchant}/google")).json()["missing"]
        page = (await mine.get("/settings/")).text
        assert consequence in " ".join(each["consequence"] for each in said)
        assert consequence in page
        assert (CLOSED in page) is (answers[1] == "unknown")


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


@pytest.mark.parametrize("calendars", ["keep", "delete"])
async def test_a_disconnected_merchants_page_says_what_is_left_in_google(accounts: Site, calendars: str) -> None:
    world, tour = accounts.world, {"owner": str(TOUR)}
    Owners(world.store).put(accounts.merchant, TOUR, settings_of(TOUR))
    async with world.working(), accounts.visitor() as mine:

        async def page() -> str:
            found = (await mine.get("/settings/", params=tour)).text
            assert "just now" not in found, "it is no passing fault that nothing is connected"
            return found

        never = await page()
        assert "You can pick calendars once Google gives us access to their list" in never
        assert "stays in Google as it was left" not in never
        await connect(accounts, mine, accounts.email)
        await world.slotsync.report(snapshot(1, item(day=1), merchant=accounts.merchant))

        async def shown() -> bool:
            return "1 of 1 upcoming entries are in Google Calendar" in (await mine.get("/settings/", params=tour)).text

        await until(shown)
        assert "your name, picture and address for notices" in await page()
        form = {"token": token_in(never), "calendars": calendars}
        (await mine.post("/settings/disconnect", data=form)).raise_for_status()
        progress = f"/settings/owners/product/{TOUR.id}/progress"
        for left in (await page(), (await mine.get(progress)).text):
            assert "upcoming entries are in Google Calendar" not in left
            assert "for you: see the connection above" not in left
            assert "Once you connect, the entry of one upcoming reservation is written or updated." in left
            assert ("stays in Google as it was left" in left) is (calendars == "keep")
        assert ("What is in Google Calendar is shown here once" in await page()) is (calendars == "keep")
        assert (TOUR.id in await world.calendars(accounts.email)) is (calendars == "keep")


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
