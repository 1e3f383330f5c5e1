"""The calendars that block a product: offered fresh from Google, picked, and forgotten."""

import httpx
import pytest

from slotsync.domain.calendars.owner import Owner
from slotsync.domain.connections.connection import APP_CREATED, EVENTS_FREEBUSY
from slotsync.store.availability.blocking_calendars import BlockingCalendars
from slotsync.store.calendars.managed_calendars import ManagedCalendars
from slotsync.store.connections.connections import Connections
from tests.support.api import Api
from tests.support.api_merchants import account_of, calendar, consent, revoke

pytestmark = pytest.mark.anyio

TOUR = Owner.product("tour")
HOLIDAYS = "#holiday@group.v.calendar.google.com"


async def open_tour(api: Api, merchant: str) -> str:
    """Connect a merchant with one product, and return the account's primary calendar."""
    await consent(api, merchant)
    await know_tour(api, merchant)
    return account_of(merchant)


async def know_tour(api: Api, merchant: str) -> None:
    settings = {"name": "Tour", "sync": False}
    (await api.platform.put(f"/v1/merchants/{merchant}/products/tour", json=settings)).raise_for_status()


async def offered(api: Api, merchant: str) -> httpx.Response:
    return await api.platform.get(f"/v1/merchants/{merchant}/google/calendars")


async def pick(api: Api, merchant: str, *ids: str, product: str = "tour") -> httpx.Response:
    address = f"/v1/merchants/{merchant}/products/{product}/blocking-calendars"
    return await api.platform.put(address, json={"calendar_ids": ids})


def picked(api: Api, merchant: str) -> list[str]:
    return [each.id for each in BlockingCalendars(api.world.store, api.world.vault).get_calendars(merchant, TOUR)]


def names(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [each["name"] for each in answer.json()["items"]]


def refused(answer: httpx.Response, status: int, kind: str) -> str:
    """Assert the status and the problem type, and return the problem's text."""
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:slotsync:problem:{kind}"), answer.text
    return str(answer.json()["detail"])


def made_by_slotsync(api: Api, merchant: str, calendar_id: str) -> None:
    connection_id = Connections(api.world.store, api.world.vault).get_active_id(merchant)
    assert connection_id
    ManagedCalendars(api.world.store).record(merchant, TOUR, calendar_id, connection_id)


async def test_what_can_be_picked_is_fresh_from_google(api: Api, merchant: str) -> None:
    own = await open_tour(api, merchant)
    assert (await offered(api, merchant)).json() == {"items": [{"id": own, "name": own, "primary": True}]}
    family = await calendar(api, merchant, "Family")
    assert (await offered(api, merchant)).json()["items"][1] == {"id": family, "name": "Family", "primary": False}


async def test_another_merchants_calendars_are_never_offered_nor_picked(api: Api, merchant: str) -> None:
    other = f"{merchant}-other"
    for each in (merchant, other):
        await open_tour(api, each)
    mine, theirs = await calendar(api, merchant, "Mine"), await calendar(api, other, "Theirs")
    assert names(await offered(api, merchant)) == [account_of(merchant), "Mine"]
    assert names(await offered(api, other)) == [account_of(other), "Theirs"]
    assert theirs not in (await offered(api, merchant)).text
    refused(await pick(api, merchant, mine, theirs), 422, "invalid-request")
    assert picked(api, merchant) == []


async def test_what_was_picked_replaces_what_blocked_before(api: Api, merchant: str) -> None:
    own = await open_tour(api, merchant)
    family, boat = await calendar(api, merchant, "Family"), await calendar(api, merchant, "Boat")
    first = await pick(api, merchant, own, family)
    assert names(first) == [own, "Family"]
    read = await api.platform.get(f"/v1/merchants/{merchant}/products/tour/blocking-calendars")
    for answer in (first, read):
        assert {each["id"]: each["primary"] for each in answer.json()["items"]} == {own: True, family: False}
    assert names(await pick(api, merchant, boat, family, boat)) == ["Boat", "Family"]
    assert picked(api, merchant) == [boat, family]


async def test_an_empty_list_forgets_all_and_needs_no_google(api: Api, merchant: str) -> None:
    own = await open_tour(api, merchant)
    await pick(api, merchant, own)
    await revoke(api, merchant)
    assert names(await pick(api, merchant)) == []
    assert picked(api, merchant) == []


async def test_ours_and_generated_ones_are_neither_offered_nor_picked(api: Api, merchant: str) -> None:
    own = await open_tour(api, merchant)
    await pick(api, merchant, own)
    ours = await calendar(api, merchant, "Tour")
    made_by_slotsync(api, merchant, ours)
    holidays = await calendar(api, merchant, "Holidays", id=f"{merchant}{HOLIDAYS}", accessRole="reader")
    assert names(await offered(api, merchant)) == [own]
    for each in (ours, holidays):
        refused(await pick(api, merchant, own, each), 422, "invalid-request")
    assert picked(api, merchant) == [own], "nothing has changed"


async def test_what_cannot_be_picked_is_named_by_its_place_and_nothing_changes(api: Api, merchant: str) -> None:
    own = await open_tour(api, merchant)
    await pick(api, merchant, own)
    said = refused(await pick(api, merchant, own, own, "aino@private.example", own, "gone"), 422, "invalid-request")
    assert "calendar_ids: number 3, 5" in said
    assert "aino" not in said
    assert picked(api, merchant) == [own]


async def take_off_list(api: Api, merchant: str, calendar_id: str) -> None:
    path = f"/sandbox/accounts/{account_of(merchant)}/calendarList/{calendar_id}"
    (await api.world.http.delete(path)).raise_for_status()


async def test_a_picked_calendar_that_left_the_list_can_stay_but_not_be_picked_anew(api: Api, merchant: str) -> None:
    own = await open_tour(api, merchant)
    family, boat = await calendar(api, merchant, "Family"), await calendar(api, merchant, "Boat")
    await pick(api, merchant, family)
    for each in (family, boat):
        await take_off_list(api, merchant, each)
    assert names(await offered(api, merchant)) == [own]
    assert names(await pick(api, merchant, own, family)) == [own, "Family"]
    assert "number 2" in refused(await pick(api, merchant, own, boat), 422, "invalid-request")
    assert names(await pick(api, merchant, own)) == [own]
    refused(await pick(api, merchant, own, family), 422, "invalid-request")


async def test_a_picked_calendar_gets_its_new_name_when_the_list_is_read(api: Api, merchant: str) -> None:
    own = await open_tour(api, merchant)
    family, boat = await calendar(api, merchant, "Family"), await calendar(api, merchant, "Boat")
    await pick(api, merchant, own, family, boat)
    path = f"/sandbox/accounts/{account_of(merchant)}/calendars/{family}"
    (await api.world.http.patch(path, json={"summary": "Household"})).raise_for_status()
    await offered(api, merchant)
    stored = BlockingCalendars(api.world.store, api.world.vault).get_calendars(merchant, TOUR)
    assert {each.id: each.name for each in stored} == {own: own, family: "Household", boat: "Boat"}


@pytest.mark.parametrize(
    ("calendar_ids", "field"),
    [
        (["c"] * 51, "calendar_ids"),
        ([""], "calendar_ids.0"),
        (["c", "x" * 1025], "calendar_ids.1"),
        ([7], "calendar_ids.0"),
        ("c", "calendar_ids"),
        (None, "calendar_ids"),
    ],
)
async def test_a_list_that_cannot_be_one_is_refused_before_google_is_asked(
    api: Api, merchant: str, calendar_ids: object, field: str
) -> None:
    address = f"/v1/merchants/{merchant}/products/tour/blocking-calendars"
    answer = await api.platform.put(address, json={"calendar_ids": calendar_ids})
    refused(answer, 422, "invalid-request")
    assert [(each["place"], each["field"]) for each in answer.json()["errors"]] == [("body", field)]


async def test_an_unknown_product_is_the_first_problem_to_be_named(api: Api, merchant: str) -> None:
    said = refused(await pick(api, merchant, "c", product="invented"), 404, "not-found")
    assert "put its settings first" in said
    assert "invented" not in said


async def test_a_merchant_without_connection_has_no_calendars_to_pick(api: Api, merchant: str) -> None:
    await know_tour(api, merchant)
    for answer in (await offered(api, merchant), await pick(api, merchant, "c")):
        assert "settings page" in refused(answer, 409, "google-not-connected")


async def test_a_dead_grant_is_noticed_and_shown(api: Api, merchant: str) -> None:
    own = await open_tour(api, merchant)
    await pick(api, merchant, own)
    await revoke(api, merchant)
    refused(await offered(api, merchant), 409, "google-not-connected")
    shown = (await api.platform.get(f"/v1/merchants/{merchant}/google")).json()
    assert (shown["state"], shown["last_error"], shown["account"]) == ("revoked", "invalid_grant", own)
    refused(await pick(api, merchant, own), 409, "google-not-connected")
    assert picked(api, merchant) == [own], "what was picked waits for the merchant to connect again"


async def test_a_missing_scope_has_its_own_problem_type_and_keeps_the_connection(api: Api, merchant: str) -> None:
    await consent(api, merchant, APP_CREATED, EVENTS_FREEBUSY)
    await know_tour(api, merchant)
    for answer in (await offered(api, merchant), await pick(api, merchant, "c")):
        refused(answer, 409, "google-scope-missing")
    shown = (await api.platform.get(f"/v1/merchants/{merchant}/google")).json()
    assert (shown["state"], shown["last_error"]) == ("active", "insufficientPermissions")


@pytest.mark.parametrize("kind", ["backendError", "rateLimitExceeded", "quotaExceeded", "drop"])
async def test_while_google_is_down_nothing_changes_and_the_answer_says_to_try_again(
    api: Api, merchant: str, kind: str
) -> None:
    own = await open_tour(api, merchant)
    await pick(api, merchant, own)
    family = await calendar(api, merchant, "Family")
    await api.world.fault(method="calendarList.list", kind=kind, account=own, count=8)
    for answer in (await offered(api, merchant), await pick(api, merchant, family)):
        refused(answer, 503, "unavailable")
        assert answer.headers["retry-after"] == "5"
    assert picked(api, merchant) == [own]
    assert (await api.platform.get(f"/v1/merchants/{merchant}/google")).json()["state"] == "active"


async def test_no_name_of_a_calendar_reaches_the_log(api: Api, merchant: str, caplog: pytest.LogCaptureFixture) -> None:
    await open_tour(api, merchant)
    lawyer = await calendar(api, merchant, "Divorce lawyer")
    with caplog.at_level("DEBUG"):
        assert "Divorce lawyer" in names(await offered(api, merchant))
        assert names(await pick(api, merchant, lawyer)) == ["Divorce lawyer"]
    assert "PUT /v1/merchants/{merchant}/products/{product}/blocking-calendars 200" in caplog.text
    assert "lawyer" not in caplog.text
