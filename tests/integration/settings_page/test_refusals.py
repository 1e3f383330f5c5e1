"""No merchant or stranger sees or changes another merchant's page."""

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
from itsdangerous import TimestampSigner, URLSafeTimedSerializer
from starlette.responses import Response

from slotsync.domain.calendars.owner import OwnerSettings
from slotsync.signing import create_signer
from slotsync.store.calendars.owners import Owners
from slotsync.store.merchants import Merchants
from starter.services.settings_links import LinkTarget, Session, Sessions
from tests.support.http import tls
from tests.support.oauth_app import Form
from tests.support.samples import TOUR, settings_of
from tests.support.site import Site, enter, token_in

pytestmark = pytest.mark.anyio

FORMS = (
    "connect",
    "account",
    "disconnect",
    "sync",
    "owners/product/sunset-tour/sync",
    "owners/product/sunset-tour/guest-data",
    "owners/product/sunset-tour/unknown",
    "owners/product/sunset-tour/calendars",
    "owners/product/sunset-tour/privacy",
)


@pytest.fixture
async def stranger(site: Site) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=site.url, verify=tls(), timeout=30) as http:
        yield http


async def test_a_link_opens_the_page_once_and_the_visit_goes_on(site: Site) -> None:
    link = await site.link()
    async with (
        httpx.AsyncClient(follow_redirects=True, verify=tls()) as first,
        httpx.AsyncClient(follow_redirects=True, verify=tls()) as second,
    ):
        assert (await first.head(link)).status_code == 200
        assert (await second.get(link)).status_code == 200
        assert (await first.get(f"{site.url}/settings/")).status_code == 401, "a look does not begin a visit"
        assert (await enter(first, link)).status_code == 200
        assert (await first.get(f"{site.url}/settings/")).status_code == 200
        replayed = await second.get(link)
        assert replayed.status_code == 403
        assert "used before" in replayed.text
        assert (await second.get(f"{site.url}/settings/")).status_code == 401


@pytest.mark.parametrize("page", ["/settings/open?link={}", "/google/connect?link={}"])
@pytest.mark.parametrize("link", ["", "nonsense", "a.b.c", "x" * 5000, "%00", "WyJtIl0.aaaa.bbbb"])
async def test_a_forged_link_opens_nothing(stranger: httpx.AsyncClient, page: str, link: str) -> None:
    answer = await stranger.get(page.format(link))
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


class YesterdaysSigner(TimestampSigner):
    """Signs as it would have a day ago."""

    def get_timestamp(self) -> int:
        return super().get_timestamp() - 24 * 60 * 60


async def test_an_expired_link_opens_nothing_and_says_so(site: Site, stranger: httpx.AsyncClient) -> None:
    todays = create_signer(site.world.settings, f"link:{LinkTarget.SETTINGS}")
    yesterdays = URLSafeTimedSerializer(todays.secret_keys, salt=todays.salt, signer=YesterdaysSigner)
    answer = await stranger.get("/settings/open", params={"link": yesterdays.dumps([site.merchant, "nonce"])})
    assert answer.status_code == 403
    assert "expired" in answer.text


async def test_a_link_to_connect_does_not_open_the_settings(site: Site, stranger: httpx.AsyncClient) -> None:
    link = await site.link(leads="google/connect")
    assert (await stranger.get(link.replace("/google/connect", "/settings/open"))).status_code == 403


async def test_a_changed_cookie_is_not_believed(site: Site, stranger: httpx.AsyncClient) -> None:
    await enter(stranger, await site.link())
    payload, rest = stranger.cookies["slotsync"].split(".", 1)
    changed = (f"{payload[:-4]}AAAA.{rest}", f"{payload}.{rest[:-4]}AAAA", payload, "")
    for cookie, status in ((f"{payload}.{rest}", 200), *((each, 401) for each in changed)):
        async with httpx.AsyncClient(base_url=site.url, cookies={"slotsync": cookie}, verify=tls()) as forger:
            assert (await forger.get("/settings/")).status_code == status, cookie


@pytest.mark.parametrize("form", FORMS)
async def test_a_form_without_the_visits_token_changes_nothing(site: Site, form: str) -> None:
    Owners(site.world.store).put(site.merchant, TOUR, settings_of(TOUR))
    async with site.visitor() as mine, site.visitor() as another:
        foreign = token_in((await another.get("/settings/")).text)
        for token in ({}, {"token": ""}, {"token": foreign}, {"token": "ä" * 40}):
            form_data = {"sync": "off", "guest_data": "busy", "on_unknown": "sell", "calendars": "delete", **token}
            answer = await mine.post(f"/settings/{form}", data=form_data)
            assert answer.status_code == 403, (form, token)
    assert Owners(site.world.store).get(site.merchant, TOUR) == settings_of(TOUR)
    assert Merchants(site.world.store, site.world.vault).is_synced(site.merchant)


async def test_another_merchants_products_are_neither_shown_nor_changed(site: Site) -> None:
    other = f"other-{site.merchant}"
    Owners(site.world.store).put(other, TOUR, settings_of(TOUR, name="Secret product"))
    Owners(site.world.store).put(site.merchant, TOUR.model_copy(update={"id": "mine"}), settings_of(TOUR))
    async with site.visitor() as mine:
        page = await mine.get("/settings/", params={"owner": str(TOUR)})
        assert page.status_code == 200
        assert settings_of(TOUR).name in page.text
        assert "Secret product" not in page.text
        token = token_in(page.text)
        for form in (each for each in FORMS if each.startswith("owners/")):
            answer = await mine.post(f"/settings/{form}", data={"token": token, "sync": "off", "guest_data": "busy"})
            assert answer.status_code == 404, form
    assert Owners(site.world.store).get(other, TOUR) == settings_of(TOUR, name="Secret product")


async def test_an_answer_of_google_that_was_never_asked_for_changes_nothing(site: Site) -> None:
    async with site.visitor() as mine:
        for form_data in (
            {},
            {"state": "x", "code": "y"},
            {"state": "x", "error": "access_denied"},
            {"state": "\x00" * 9},
        ):
            answer = await mine.get("/google/callback", params=form_data)
            assert answer.status_code == 200
            assert "never asked for" in answer.text, form_data


async def test_a_state_is_good_in_the_browser_that_began_and_once(site: Site) -> None:
    await site.account()
    async with site.visitor() as mine, site.visitor() as another:
        token = token_in((await mine.get("/settings/")).text)
        begun = await mine.post("/settings/connect", data={"token": token}, follow_redirects=False)
        state = httpx.URL(begun.headers["location"]).params["state"]
        stolen = await another.get("/google/callback", params={"state": state, "code": "y"})
        assert "another browser" in stolen.text
        replayed = await mine.get("/google/callback", params={"state": state, "code": "y"})
        assert "never asked for" in replayed.text


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/x-www-form-urlencoded", b"\xff\xfe%zz&&&=;token"),
        ("multipart/form-data", b"no boundary"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: nonsense\r\n\r\n--x--"),
        ("multipart/form-data; boundary=x", b"--x\r\n" * 2000),
        ("application/json", b'{"token": 1}'),
        ("application/x-www-form-urlencoded", b"a=b&" * 2000),
    ],
)
async def test_a_malformed_form_is_refused_with_a_page(site: Site, content_type: str, body: bytes) -> None:
    async with site.visitor() as mine:
        answer = await mine.post("/settings/sync", content=body, headers={"Content-Type": content_type})
    assert answer.status_code in {400, 403}
    assert answer.headers["content-type"].startswith("text/html")


async def test_an_oversized_form_is_refused(site: Site) -> None:
    async with site.visitor() as mine:
        answer = await mine.post("/settings/sync", data={"token": "x" * 300_000})
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("form", "form_data"),
    [
        ("guest-data", {"guest_data": "all"}),
        ("guest-data", {}),
        ("unknown", {"on_unknown": "free"}),
        ("unknown", {"on_unknown": "last_known", "hours": "-1"}),
        ("unknown", {"on_unknown": "last_known", "hours": "9" * 400}),
    ],
)
async def test_a_value_that_the_page_does_not_offer_changes_nothing(
    site: Site, form: str, form_data: dict[str, str]
) -> None:
    Owners(site.world.store).put(site.merchant, TOUR, settings_of(TOUR))
    async with site.visitor() as mine:
        token = token_in((await mine.get("/settings/")).text)
        answer = await mine.post(f"/settings/owners/{TOUR.kind}/{TOUR.id}/{form}", data={"token": token, **form_data})
    assert answer.status_code == 400
    assert Owners(site.world.store).get(site.merchant, TOUR) == settings_of(TOUR)


@pytest.mark.parametrize(
    ("form", "form_data"), [("guest-data", {"guest_data": "busy"}), ("unknown", {"on_unknown": "sell"})]
)
async def test_a_form_changes_its_own_field_and_no_other(site: Site, form: str, form_data: dict[str, str]) -> None:
    chosen = settings_of(TOUR, pad_before_minutes=15, pad_after_minutes=30, free_calendars_needed=2)
    Owners(site.world.store).put(site.merchant, TOUR, chosen)
    async with site.visitor() as mine:
        token = token_in((await mine.get("/settings/")).text)
        await mine.post(f"/settings/owners/{TOUR.kind}/{TOUR.id}/{form}", data={"token": token, **form_data})
    expected = OwnerSettings.model_validate(chosen.model_dump() | form_data)
    assert Owners(site.world.store).get(site.merchant, TOUR) == expected


@pytest.mark.parametrize(
    "query", ["owner=product:", "owner=x:y", "week=9999-99-99", "week=0001-01-01", "notice=%00", "owner=product:%00"]
)
async def test_an_address_that_makes_no_sense_shows_the_page(site: Site, query: str) -> None:
    Owners(site.world.store).put(site.merchant, TOUR, settings_of(TOUR))
    async with site.visitor() as mine:
        assert (await mine.get(f"/settings/?{query}&week=9999-12-31")).status_code == 200
        assert (await mine.get(f"/settings/?owner={TOUR}&{query}")).status_code == 200


async def test_pages_have_security_headers(site: Site) -> None:
    async with httpx.AsyncClient(follow_redirects=False, verify=tls()) as http:
        entered = await enter(http, await site.link(), follow_redirects=False)
        cookie = entered.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        page = await http.get(f"{site.url}/settings/")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert f"form-action 'self' {site.world.settings.google_endpoint}" in policy
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"


async def test_over_https_the_cookie_never_travels_in_the_clear(site: Site) -> None:
    over_https = site.world.settings.model_copy(update={"public_url": "https://slotsync.example"})
    answer = Response()
    Sessions(over_https, site.world.store).begin(answer, Session.begin(site.merchant, site.world.store.now()))
    assert answer.headers["set-cookie"].startswith("__Host-slotsync=")
    assert "Secure" in answer.headers["set-cookie"]


async def test_another_sites_form_cannot_use_a_link_in_a_merchants_browser(
    site: Site, stranger: httpx.AsyncClient
) -> None:
    link = httpx.URL(await site.link())
    opened = Form(await stranger.get(link))
    async with httpx.AsyncClient(
        base_url=site.url, verify=tls()
    ) as elsewhere:  # no cookie comes with a form of another site
        assert (await elsewhere.post("/settings/open", data=opened.hidden)).status_code == 403
        assert (await elsewhere.post("/settings/open", data={"link": link.params["link"]})).status_code == 403
    assert (await stranger.post("/settings/open", data=opened.hidden)).status_code == 303


async def test_a_link_of_another_merchant_says_that_it_ends_the_visit(site: Site) -> None:
    other = replace(site, merchant=f"other-{site.merchant}")
    (await site.platform.put(f"/v1/merchants/{site.merchant}", json={"name": "Arctic Kayaks"})).raise_for_status()
    async with site.visitor() as mine:
        assert "<strong>Arctic Kayaks</strong>" in (await mine.get("/settings/")).text
        link = await other.link()
        asked = await mine.get(link)
        assert "You are looking at the settings of Arctic Kayaks" in asked.text
        assert f"Open the Google Calendar settings of {other.merchant}." in asked.text
        assert "Arctic Kayaks" in (await mine.get("/settings/")).text, "a look changes nothing"
        assert f"<strong>{other.merchant}</strong>" in (await enter(mine, link)).text


async def test_who_signs_out_has_no_visit_any_more(site: Site) -> None:
    async with site.visitor() as mine:
        out = await mine.post("/settings/sign-out", data={"token": token_in((await mine.get("/settings/")).text)})
        assert "Signed out" in out.text
        assert (await mine.get("/settings/")).status_code == 401


async def test_a_cookie_that_was_copied_before_signing_out_opens_nothing_afterwards(site: Site) -> None:
    async with site.visitor() as mine, site.visitor() as elsewhere:
        token = token_in((await mine.get("/settings/")).text)
        copied = {"slotsync": mine.cookies["slotsync"]}
        await mine.post("/settings/sign-out", data={"token": token})
        async with httpx.AsyncClient(base_url=site.url, verify=tls(), timeout=30, cookies=copied) as thief:
            assert (await thief.get("/settings/")).status_code == 401
            assert (await thief.post("/settings/sync", data={"token": token, "sync": "off"})).status_code == 401
            assert (await thief.get("/google/callback", params={"state": "x", "code": "y"})).status_code == 401
            asked = await thief.get(await replace(site, merchant=f"other-{site.merchant}").link())
            assert site.merchant not in asked.text.replace(f"other-{site.merchant}", ""), "not even the name is shown"
        assert Merchants(site.world.store, site.world.vault).is_synced(site.merchant)
        assert (await elsewhere.get("/settings/")).status_code == 200, "the merchant's other visits go on"


async def test_a_cookie_of_a_visit_that_another_one_has_replaced_opens_nothing(site: Site) -> None:
    async with site.visitor() as mine:
        copied = {"slotsync": mine.cookies["slotsync"]}
        await enter(mine, await site.link())
        assert (await mine.get("/settings/")).status_code == 200
        async with httpx.AsyncClient(base_url=site.url, verify=tls(), timeout=30, cookies=copied) as thief:
            assert (await thief.get("/settings/")).status_code == 401


@pytest.mark.parametrize("leads", ["settings-link", "google/connect"])
@pytest.mark.parametrize("end", ["operator", "platform"])
async def test_links_that_were_made_before_visits_were_ended_begin_none(
    site: Site, stranger: httpx.AsyncClient, leads: str, end: str
) -> None:
    looked_at, unseen = await site.link(leads), await site.link(leads)
    shown = Form(await stranger.get(looked_at))
    if end == "operator":
        assert Merchants(site.world.store, site.world.vault).end_visits(site.merchant)
    else:
        (await site.platform.delete(f"/v1/merchants/{site.merchant}/google")).raise_for_status()
    place = httpx.URL(looked_at).copy_with(query=None)
    refused = [await stranger.post(place, data=shown.hidden), await stranger.get(looked_at), await stranger.get(unseen)]
    assert [each.status_code for each in refused] == [403, 403, 403]
    assert all("ended after it was made" in each.text for each in refused)
    assert (await stranger.get("/settings/")).status_code == 401
    await enter(stranger, await site.link())
    assert (await stranger.get("/settings/")).status_code == 200, "a new link works"


@pytest.mark.parametrize("leads", ["settings-link", "google/connect"])
async def test_a_visit_does_not_begin_once_visits_were_ended_since_its_link_was_used(
    site: Site, stranger: httpx.AsyncClient, leads: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    merchants, begin = Merchants(site.world.store, site.world.vault), Sessions.begin

    def end_and_begin(sessions: Sessions, response: Response, session: Session) -> bool:
        if session.merchant == site.merchant:
            assert merchants.end_visits(site.merchant)
        return begin(sessions, response, session)

    link = await site.link(leads)
    with monkeypatch.context() as patched:
        patched.setattr(Sessions, "begin", end_and_begin)
        refused = await enter(stranger, link, follow_redirects=False)
    assert (refused.status_code, "ended after it was made" in refused.text) == (403, True)
    assert (await stranger.get("/settings/")).status_code == 401
    await enter(stranger, await site.link())
    assert (await stranger.get("/settings/")).status_code == 200, "a new link works"


class SignerAhead(TimestampSigner):
    """Signs as a machine does with a clock that is two seconds ahead."""

    def get_timestamp(self) -> int:
        return super().get_timestamp() + 2


async def test_links_and_visits_of_a_machine_ahead_work_at_once_on_another(
    site: Site, stranger: httpx.AsyncClient
) -> None:
    link = httpx.URL(await site.link())

    def sign_ahead(purpose: str, signed: str) -> str:
        signer = create_signer(site.world.settings, purpose)
        ahead = URLSafeTimedSerializer(signer.secret_keys, salt=signer.salt, signer=SignerAhead)
        return str(ahead.dumps(signer.loads(signed)))

    made_ahead = sign_ahead(f"link:{LinkTarget.SETTINGS}", link.params["link"])
    entered = await enter(stranger, str(link.copy_set_param("link", made_ahead)), follow_redirects=False)
    assert entered.status_code == 303
    cookies = {"slotsync": sign_ahead("session", stranger.cookies["slotsync"])}
    async with httpx.AsyncClient(base_url=site.url, verify=tls(), timeout=30, cookies=cookies) as next_request:
        assert (await next_request.get("/settings/")).status_code == 200


async def test_ended_visits_are_over_in_all_browsers_and_new_ones_begin(site: Site) -> None:
    async with site.visitor() as mine:
        assert Merchants(site.world.store, site.world.vault).end_visits(site.merchant)
        assert (await mine.get("/settings/")).status_code == 401
        assert (await mine.post("/settings/sync", data={"token": "x"})).status_code == 401
        async with site.visitor() as again:
            assert (await again.get("/settings/")).status_code == 200
            (await site.platform.delete(f"/v1/merchants/{site.merchant}/google")).raise_for_status()
            assert (await again.get("/settings/")).status_code == 401


async def test_the_merchants_language_is_the_first_one_that_it_sees(site: Site) -> None:
    (await site.platform.put(f"/v1/merchants/{site.merchant}", json={"language": "fi"})).raise_for_status()
    async with site.visitor() as mine:
        assert "Kirjaudu ulos" in (await mine.get("/settings/")).text
        await mine.get("/settings/language/en")
        await enter(mine, await site.link())
        assert "Sign out" in (await mine.get("/settings/")).text


async def test_a_merchant_that_is_not_known_has_no_settings(site: Site) -> None:
    answer = await site.platform.post(f"/v1/merchants/unheard-of-{site.merchant}/settings-link")
    assert answer.status_code == 404


@pytest.mark.parametrize(
    "path",
    ["/settings", "/settings/open/", "/google/connect/", "/v1/merchants/m/", "/v1/merchants/m/products/p/", "/docs/"],
)
async def test_no_redirection_leads_to_a_host_that_the_request_names(
    site: Site, stranger: httpx.AsyncClient, path: str
) -> None:
    key = site.platform.headers["Authorization"]
    answer = await stranger.get(path, headers={"Host": "evil.example", "Authorization": key})
    assert "evil.example" not in answer.headers.get("location", "")
    assert answer.status_code in {303, 404}
