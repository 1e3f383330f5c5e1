"""A merchant's connection over the API: made, looked at, and ended."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from slotsync.domain.connections.connection import APP_CREATED, CALENDAR_LIST, EVENTS_FREEBUSY, wanted_scopes
from slotsync.domain.workflow_ids import connection_id
from slotsync.settings import Settings
from slotsync.temporal.signals import signal_connection
from starter.bootstrap import Services
from starter.services.connections import ConnectionService
from starter.services.settings_links import LinkProblem, LinkTarget, SettingsLinks
from tests.support.api import Api, api_with, serving_on_free_port
from tests.support.api_merchants import account_of, begin, consent, revoke, tokens
from tests.support.buttons import BUTTONS
from tests.support.http import tls
from tests.support.settings import PUBLIC_URL
from tests.support.waiting import until

pytestmark = pytest.mark.anyio

LINKS = [("google/connect", "authorization_url", LinkTarget.CONNECT), ("settings-link", "url", LinkTarget.SETTINGS)]


def google_of(merchant: str) -> str:
    return f"/v1/merchants/{merchant}/google"


@asynccontextmanager
async def api_under(api: Api, **settings: object) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client of an API with these settings changed, on the shared world."""
    world = api.world
    services = Services.create(world.settings.model_copy(update=settings), world.store, world.client)
    async with (
        serving_on_free_port(services) as url,
        httpx.AsyncClient(base_url=url, headers=api.platform.headers, verify=tls()) as platform,
    ):
        yield platform


@pytest.mark.parametrize(("route", "field", "leads"), LINKS)
async def test_a_link_leads_its_merchant_through_slotsync_once(
    api: Api, merchant: str, route: str, field: str, leads: LinkTarget
) -> None:
    await api.platform.put(f"/v1/merchants/{merchant}", json={})
    answer = await api.platform.post(f"/v1/merchants/{merchant}/{route}")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    response = answer.json()
    remaining = datetime.fromisoformat(response["expires_at"]) - datetime.now(UTC)
    assert timedelta(minutes=9) < remaining <= timedelta(minutes=10)
    url = urlsplit(response[field])
    assert f"{url.scheme}://{url.netloc}{url.path}" == f"{PUBLIC_URL}/{leads}"
    ((link,),) = parse_qs(url.query).values()
    links = SettingsLinks(api.world.settings, api.world.store)
    used = links.redeem(link, leads)
    assert not isinstance(used, LinkProblem)
    assert used.merchant == merchant
    assert links.redeem(link, leads) is LinkProblem.USED


@pytest.mark.parametrize(("route", "field", "leads"), LINKS)
async def test_two_links_are_never_the_same(api: Api, merchant: str, route: str, field: str, leads: LinkTarget) -> None:
    await api.platform.put(f"/v1/merchants/{merchant}", json={})
    answers = [await api.platform.post(f"/v1/merchants/{merchant}/{route}") for _ in range(2)]
    assert len({answer.json()[field] for answer in answers}) == 2


@pytest.mark.parametrize("route", ["google/connect", "settings-link"])
async def test_without_a_public_address_the_answer_names_what_the_operator_has_to_set(
    api: Api, merchant: str, route: str
) -> None:
    async with api_under(api, public_url="") as platform:
        await platform.put(f"/v1/merchants/{merchant}", json={})
        answer = await platform.post(f"/v1/merchants/{merchant}/{route}")
        shown = await platform.get(google_of(merchant))
    assert (answer.status_code, answer.json()["type"]) == (501, "urn:slotsync:problem:not-set-up")
    assert "SLOTSYNC_PUBLIC_URL: is not set" in answer.json()["detail"]
    assert shown.status_code == 200, "looking needs no address"


async def test_without_a_client_of_googles_the_answer_names_what_the_operator_has_to_set(
    api: Api, merchant: str
) -> None:
    async with api_under(api, google_client_id="") as platform:
        answer = await platform.get(f"{google_of(merchant)}/calendars")
        shown = await platform.get(google_of(merchant))
    assert (answer.status_code, answer.json()["type"]) == (501, "urn:slotsync:problem:not-set-up")
    assert "SLOTSYNC_GOOGLE_CLIENT_ID: is not set" in answer.json()["detail"]
    assert shown.status_code == 200, "looking needs no client"


async def test_what_is_asked_of_an_unknown_merchant_says_that_it_is_not_known(api: Api, merchant: str) -> None:
    def known(answer: httpx.Response) -> bool:
        return bool(answer.raise_for_status().json()["known"])

    address = google_of(merchant)
    assert not known(await api.platform.post(f"{address}/connect")), "it may connect first"
    assert not known(await api.platform.get(address))
    period = {"from": "2027-07-01T00:00:00Z", "to": "2027-07-02T00:00:00Z"}
    assert (await api.platform.post(f"/v1/merchants/{merchant}/messages:resend", json=period)).status_code == 404
    await api.platform.put(f"/v1/merchants/{merchant}", json={})
    assert known(await api.platform.post(f"{address}/connect"))
    assert known(await api.platform.get(address))


async def test_a_connection_is_pending_while_the_merchant_is_at_google(api: Api, merchant: str) -> None:
    before = (await api.platform.get(google_of(merchant))).json()
    await begin(api, merchant)
    during = (await api.platform.get(google_of(merchant))).json()
    assert (before["state"], during["state"]) == ("disconnected", "pending")
    assert (before["merchant"], before["account"], before["granted"], before["since"]) == (merchant, None, [], None)


async def test_a_connection_is_shown_with_account_scopes_and_last_good_call(api: Api, merchant: str) -> None:
    await consent(api, merchant)
    response = (await api.platform.get(google_of(merchant))).json()
    assert (response["state"], response["account"]) == ("active", account_of(merchant))
    assert set(response["granted"]) == wanted_scopes(push=True)
    assert response["missing"] == []
    assert (response["last_good_call_at"], response["last_error"]) == (None, None)
    await api.platform.get(f"{google_of(merchant)}/calendars")
    called_at = (await api.platform.get(google_of(merchant))).json()["last_good_call_at"]
    assert abs(datetime.now(UTC) - datetime.fromisoformat(called_at)) < timedelta(minutes=1)


async def test_scopes_that_were_not_granted_are_shown_with_their_consequences(api: Api, merchant: str) -> None:
    await consent(api, merchant, APP_CREATED, EVENTS_FREEBUSY)
    response = (await api.platform.get(google_of(merchant))).json()
    assert (response["state"], [each["scope"] for each in response["missing"]]) == ("active", [CALENDAR_LIST])
    assert "cannot be listed" in response["missing"][0]["consequence"]


async def test_no_answer_holds_a_token(api: Api, merchant: str) -> None:
    await consent(api, merchant)
    await api.platform.put(f"/v1/merchants/{merchant}/products/tour", json={"name": "Tour", "sync": False})
    answers = [
        await api.platform.post(f"{google_of(merchant)}/connect"),
        await api.platform.get(google_of(merchant)),
        await api.platform.get(f"{google_of(merchant)}/calendars"),
        await api.platform.put(
            f"/v1/merchants/{merchant}/products/tour/blocking-calendars", json={"calendar_ids": [account_of(merchant)]}
        ),
    ]
    assert [answer.status_code for answer in answers] == [200] * 4
    secrets = tokens(api, merchant)
    assert len(secrets) == 2
    assert not [secret for answer in answers for secret in secrets if secret in answer.text]


@pytest.fixture
async def api_with_workers(settings: Settings, tmp_path: Path) -> AsyncIterator[Api]:
    """A world of its own, with workers."""
    alone = settings.model_copy(update={"database_url": f"sqlite:///{tmp_path}/slotsync.db"})
    async with api_with(alone) as built, built.world.working():
        yield built


async def with_calendar(api: Api, merchant: str) -> None:
    """Connect the merchant, with a calendar for its tour."""
    await consent(api, merchant)
    await api.platform.put(f"/v1/merchants/{merchant}/products/tour", json={"name": "tour"})

    async def made() -> bool:
        return "tour" in await api.world.calendars(account_of(merchant))

    await until(made)


async def left(api: Api, merchant: str, query: str = "") -> dict[str, object]:
    """Disconnect the merchant, and return the result in the answer."""
    answer = await api.platform.delete(f"{google_of(merchant)}{query}")
    assert answer.status_code == 200, answer.text
    state = (await api.platform.get(google_of(merchant))).json()
    assert (state["state"], state["account"], state["granted"]) == ("disconnected", None, [])
    result: dict[str, object] = answer.json()["farewell"]  # the field's public name
    return result


TOUR = {"kind": "product", "id": "tour"}


async def test_a_merchant_leaves_with_calendars_deleted_kept_or_behind_a_dead_grant(
    api_with_workers: Api, merchant: str
) -> None:
    deleting, keeping, dead, gone = (f"{merchant}-{name}" for name in ("deleting", "keeping", "dead", "gone"))
    for each in (deleting, keeping, dead, gone):
        await with_calendar(api_with_workers, each)
    response = await left(api_with_workers, deleting, "?calendars=delete")
    assert (response["deleted"], response["left"], response["grant_ended"], response["notes"]) == ([TOUR], [], True, [])
    assert await api_with_workers.world.calendars(account_of(deleting)) == {}
    picks = f"/v1/merchants/{keeping}/products/tour/blocking-calendars"
    picked = await api_with_workers.platform.put(picks, json={"calendar_ids": [account_of(keeping)]})
    assert picked.status_code == 200
    kept = await left(api_with_workers, keeping)
    assert (kept["deleted"], kept["left"], kept["grant_ended"]) == ([], [TOUR], True)
    assert (kept["unblocked"], response["unblocked"]) == ([TOUR], [])
    assert "sold without a look" in str(kept["notes"])
    assert (await api_with_workers.platform.get(picks)).json() == {"items": []}
    assert "tour" in await api_with_workers.world.calendars(account_of(keeping))
    await revoke(api_with_workers, dead)
    assert (await left(api_with_workers, dead, "?calendars=delete"))["left"] == [TOUR]
    calendar = (await api_with_workers.world.calendars(account_of(gone)))["tour"]
    by_hand = f"/sandbox/accounts/{account_of(gone)}/calendars/{calendar}"
    (await api_with_workers.world.http.delete(by_hand)).raise_for_status()
    told = await left(api_with_workers, gone, "?calendars=delete")
    assert (told["deleted"], told["left"], told["out_of_reach"]) == ([], [], [TOUR])


async def test_a_merchant_who_never_connected_can_disconnect(api_with_workers: Api, merchant: str) -> None:
    assert (await left(api_with_workers, merchant))["notes"] == ["There was no connection."]


async def test_a_disconnection_that_takes_long_goes_on_by_itself(api: Api, merchant: str) -> None:
    world = api.world
    services = Services.create(world.settings, world.store, world.client)
    await world.connect(merchant, f"{merchant}@gmail.example")
    moment = timedelta(seconds=0.05)
    connecting = ConnectionService(world.settings, world.store, world.vault, world.client, disconnect_timeout=moment)
    async with serving_on_free_port(replace(services, connections=connecting)) as url:
        answer = await api.platform.delete(f"{url}{google_of(merchant)}")
    assert (answer.status_code, answer.json()) == (202, {"farewell": None})  # public name


async def test_what_becomes_of_the_calendars_is_one_of_two(api: Api, merchant: str) -> None:
    answer = await api.platform.delete(f"{google_of(merchant)}?calendars=burn")
    assert answer.status_code == 422
    assert [(each["place"], each["field"]) for each in answer.json()["errors"]] == [("query", "calendars")]


async def test_a_connection_says_that_an_operator_has_stopped_it(quiet_api: Api, merchant: str) -> None:
    await quiet_api.world.connect(merchant, account_of(merchant))
    address = google_of(merchant)
    async with quiet_api.world.working():
        await signal_connection(quiet_api.world.client, merchant, "granted")
        assert (await quiet_api.platform.get(address)).json()["stopped_since"] is None
        await BUTTONS["cancel"](quiet_api.world.client, connection_id(merchant))
        told = (await quiet_api.platform.get(address)).json()
        assert (told["state"], bool(told["stopped_since"])) == ("active", True)
        await quiet_api.world.slotsync.resume(merchant)
        assert (await quiet_api.platform.get(address)).json()["stopped_since"] is None
