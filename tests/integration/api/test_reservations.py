import asyncio
import re
from typing import Any
from urllib.parse import unquote

import pytest

from slotsync.domain.calendars.owner import Owner
from slotsync.store.reservations.reservations import Reservations
from tests.support.api import Api

pytestmark = pytest.mark.anyio

TIMES = {"start": "2027-07-01T18:00:00+03:00", "end": "2027-07-01T20:00:00+03:00"}
PRODUCT = {"name": "sunset-tour", "time_zone": "Europe/Helsinki", "guest_data": "full"}


def booked(version: int = 1, **more: object) -> dict[str, object]:
    return {"version": version, "title": f"v{version}", "items": [{"product": "sunset-tour", **TIMES}], **more}


async def test_a_reservation_reported_over_http_reaches_google(quiet_api: Api, merchant: str) -> None:
    email = f"{merchant}@gmail.example"
    await quiet_api.world.connect(merchant, email)
    made = await quiet_api.platform.put(f"/v1/merchants/{merchant}/products/sunset-tour", json=PRODUCT)
    assert made.status_code == 200
    async with quiet_api.world.working():
        response = await quiet_api.platform.put(f"/v1/merchants/{merchant}/reservations/R-1", json=booked())
        assert (response.status_code, response.json()) == (202, {"version": 1, "superseded": False, "unchanged": False})
        await quiet_api.world.settled(1, merchant=merchant)
        status = (await quiet_api.platform.get(f"/v1/merchants/{merchant}/reservations/R-1")).json()
    assert await quiet_api.world.titles(Owner.product("sunset-tour"), email) == ["v1"]
    assert (status["version"], status["settled"]) == (1, True)
    (event,) = status["events"]
    assert (event["item"], event["owner"], event["state"]) == ("1", "product:sunset-tour", "in_step")
    assert event["link"].startswith(quiet_api.world.settings.google_endpoint)
    assert event["last_error"] is None
    assert event["since"].endswith("Z")


async def test_an_older_version_is_superseded_and_changes_nothing(quiet_api: Api, merchant: str) -> None:
    address = f"/v1/merchants/{merchant}/reservations/R-1"
    async with quiet_api.world.working():
        assert (await quiet_api.platform.put(address, json=booked(7))).status_code == 202
        older = await quiet_api.platform.put(address, json=booked(6))
        assert (older.status_code, older.json()) == (200, {"version": 7, "superseded": True, "unchanged": False})
        assert (await quiet_api.platform.get(address)).json()["version"] == 7
        again = await quiet_api.platform.put(address, json=booked(7))
        assert (again.status_code, again.json()) == (200, {"version": 7, "superseded": False, "unchanged": True})


async def test_a_report_is_durable_while_no_worker_runs(api: Api, merchant: str) -> None:
    address = f"/v1/merchants/{merchant}/reservations/R-1"
    response = await asyncio.gather(*(api.platform.put(address, json=booked(version)) for version in (3, 1, 2)))
    assert response[0].status_code == 202
    answers = [(each.status_code, each.json()["superseded"]) for each in response]
    assert {*answers} <= {(202, False), (200, True)}
    status = (await api.platform.get(address)).json()
    assert (status["version"], status["settled"]) == (3, False)


async def test_one_version_with_two_contents_is_a_conflict_and_changes_nothing(api: Api, merchant: str) -> None:
    address = f"/v1/merchants/{merchant}/reservations/R-1"
    assert (await api.platform.put(address, json=booked(3))).status_code == 202
    answer = await api.platform.put(address, json=booked(3, title="another"))
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:slotsync:problem:version-conflict")
    assert not re.search(r"[0-9a-f]{8}", answer.json()["detail"]), "a content can be guessed by its hash"
    assert (await api.platform.put(address, json=booked(3))).json()["unchanged"]


async def test_a_version_that_is_older_than_one_just_reported_is_superseded(api: Api, merchant: str) -> None:
    address = f"/v1/merchants/{merchant}/reservations/R-1"
    assert (await api.platform.put(address, json=booked(3))).status_code == 202
    older = await api.platform.put(address, json=booked(2))
    assert (older.status_code, older.json()["superseded"]) == (200, True)


async def test_a_cancelled_reservation_needs_no_items(api: Api, merchant: str) -> None:
    address = f"/v1/merchants/{merchant}/reservations/R-1"
    response = await api.platform.put(address, json={"version": 2, "status": "cancelled"})
    assert response.status_code == 202


@pytest.mark.parametrize("question", ["", "/timeline"])
async def test_a_reservation_that_was_never_reported_is_not_found(api: Api, merchant: str, question: str) -> None:
    answer = await api.platform.get(f"/v1/merchants/{merchant}/reservations/R-1{question}")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:slotsync:problem:not-found")


async def test_a_reservation_of_many_products_and_resources_is_taken(api: Api, merchant: str) -> None:
    items = [
        {"product": f"product-with-a-name-that-is-rather-long-{n}", "resources": [f"resource-number-{n}"], **TIMES}
        for n in range(250)
    ]
    response = await api.platform.put(f"/v1/merchants/{merchant}/reservations/R-1", json=booked(items=items))
    assert response.status_code == 202, response.text


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"items": [{"product": "p", "start": "1970-01-01T00:00:00+02:00", "end": "1970-01-02T00:00:00Z"}]}, "items.0"),
        ({"items": [{"product": "p", "start": "2200-12-31", "end": "2200-12-31T23:00:00-05:00"}]}, "items.0"),
        ({"url": "https://example.org/" + "ж" * 700}, "url"),
    ],
)
async def test_what_could_not_be_stored_as_it_is_is_refused_by_its_field(
    api: Api, merchant: str, change: dict[str, Any], field: str
) -> None:
    answer = await api.platform.put(f"/v1/merchants/{merchant}/reservations/R-1", json=booked(**change))
    assert answer.status_code == 422
    assert any(each["field"].startswith(field) for each in answer.json()["errors"])


async def test_a_reservation_of_more_events_than_temporal_can_hold_is_refused(api: Api, merchant: str) -> None:
    items = [{"product": "p", "resources": ["r"], **TIMES}] * 251
    response = await api.platform.put(f"/v1/merchants/{merchant}/reservations/R-1", json=booked(items=items))
    assert response.status_code == 422
    assert "split the reservation" in response.text


@pytest.mark.parametrize(
    "address", ["merchants/{other}/reservations/R-1", "merchants/{other}/reservations/R-1/timeline"]
)
async def test_what_one_merchant_has_is_not_found_at_another(quiet_api: Api, merchant: str, address: str) -> None:
    own = address.format(other=merchant)
    async with quiet_api.world.working():
        assert (
            await quiet_api.platform.put(f"/v1/merchants/{merchant}/reservations/R-1", json=booked())
        ).status_code == 202
    assert (await quiet_api.platform.get(f"/v1/{own}")).status_code == 200
    for other in (f"{merchant}x", merchant[:-1], merchant.upper(), f"x%2F..%2F{merchant}"):
        answer = await quiet_api.platform.get(f"/v1/{address.format(other=other)}")
        assert answer.status_code == 404, other


@pytest.mark.parametrize(
    "reservation",
    [
        "a:b",
        "a%2Fb",
        "a%5Cb",
        "a%20b",
        "a%00b",
        "a%0Ab",
        "x" * 129,
        "😀" * 33,
        "a%E2%80%8Bb",
        "cafe%CC%81",
        "%EF%BB%BFa",
    ],
)
@pytest.mark.parametrize("method", ["GET", "PUT"])
async def test_an_id_that_could_mean_another_one_is_refused(
    api: Api, merchant: str, reservation: str, method: str
) -> None:
    answer = await api.platform.request(
        method, f"/v1/merchants/{merchant}/reservations/{reservation}", json=booked() if method == "PUT" else None
    )
    refused = (404, "not-found") if reservation == "a%2Fb" else (422, "invalid-request")
    assert (answer.status_code, answer.json()["type"]) == (refused[0], f"urn:slotsync:problem:{refused[1]}")
    assert Reservations(api.world.store, api.world.vault).get(merchant, unquote(reservation)) is None


@pytest.mark.parametrize("name", ["O'Brien", "Ålesund-№1", "'_OR_'1'='1", "100%25", "x" * 128, "😀" * 32])
async def test_an_odd_id_is_a_good_id_and_has_its_own_timeline(api: Api, merchant: str, name: str) -> None:
    address = f"/v1/merchants/{merchant}/reservations/{name}"
    assert (await api.platform.put(address, json=booked())).status_code == 202
    timeline = (await api.platform.get(f"{address}/timeline")).json()
    assert [each["what"] for each in timeline["happenings"]] == ["reported"]
