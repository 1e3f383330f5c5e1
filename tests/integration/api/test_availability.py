"""Asking the API when a product can be booked, and why."""

from datetime import datetime, timedelta

import httpx
import pytest

from slotsync.clock import utc_now
from slotsync.domain.availability.intervals import Interval
from slotsync.store.connections.connections import Connections
from tests.support.api import Api
from tests.support.readings import ReadingRecorder, pick

pytestmark = pytest.mark.anyio

START = utc_now().replace(minute=0, second=0, microsecond=0) + timedelta(days=1)
HOUR = timedelta(hours=1)
DAY = Interval(start=START, end=START + 24 * HOUR)
AROUND = Interval(start=DAY.start - HOUR, end=DAY.end + HOUR)
MEETING = Interval(start=START + HOUR, end=START + 2 * HOUR)


async def open_tour(api: Api, merchant: str, **settings: object) -> None:
    body = {"name": "Tour", "sync": False, **settings}
    (await api.platform.put(f"/v1/merchants/{merchant}/products/tour", json=body)).raise_for_status()


async def open_blocked_tour(api: Api, merchant: str, *busy: Interval, error: str = "", **settings: object) -> datetime:
    """Create a tour with one blocking calendar that was just read, and return the time of the reading."""
    world, now = api.world, utc_now()
    await world.connect(merchant, f"{merchant}@gmail.example")
    await open_tour(api, merchant, **settings)
    connection_id = Connections(world.store, world.vault).get_active_id(merchant)
    assert connection_id
    pick(world.store, world.vault, merchant, "tour", "Family")
    ReadingRecorder(world.store, world.vault, connection_id).read("family", AROUND, now, busy, error=error)
    return now


async def availability(api: Api, merchant: str, product: str = "tour", **query: str) -> httpx.Response:
    asked = {"from": DAY.start.isoformat(), "to": DAY.end.isoformat(), **query}
    return await api.platform.get(f"/v1/merchants/{merchant}/products/{product}/availability", params=asked)


async def explain(api: Api, merchant: str, product: str = "tour", **query: str) -> httpx.Response:
    return await api.platform.get(f"/v1/merchants/{merchant}/products/{product}/explain", params=query)


def iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def refused(answer: httpx.Response, status: int, kind: str) -> str:
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:slotsync:problem:{kind}"), answer.text
    return answer.text


async def test_a_busy_time_is_answered_with_the_time_of_its_reading(api: Api, merchant: str) -> None:
    read_at = await open_blocked_tour(api, merchant, MEETING, pad_before_minutes=15, pad_after_minutes=30)
    answer = await availability(api, merchant)
    assert answer.status_code == 200, answer.text
    quarter = timedelta(minutes=15)
    assert answer.json() == {
        "merchant": merchant,
        "product": "tour",
        "from": iso(DAY.start),
        "to": iso(DAY.end),
        "checked_at": iso(read_at),
        "complete": True,
        "slots": [
            {
                "start": iso(MEETING.start - quarter),
                "end": iso(MEETING.end + 2 * quarter),
                "state": "busy",
                "closed": True,
            }
        ],
    }


@pytest.mark.parametrize(("choice", "closed"), [("block", True), ("sell", False)])
async def test_a_calendar_that_could_not_be_read_is_unknown(
    api: Api, merchant: str, choice: str, *, closed: bool
) -> None:
    await open_blocked_tour(api, merchant, error="notFound", on_unknown=choice)
    answer = (await availability(api, merchant)).json()
    assert (answer["complete"], answer["checked_at"]) == (False, None)
    assert [(each["state"], each["closed"]) for each in answer["slots"]] == [("unknown", closed)]


async def test_why_a_time_is_busy_is_explained(api: Api, merchant: str) -> None:
    await open_blocked_tour(api, merchant, MEETING)
    answer = await explain(api, merchant, at=iso(MEETING.start))
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["merchant"], body["product"], body["at"]) == (merchant, "tour", iso(MEETING.start))
    assert (body["state"], body["closed"]) == ("busy", True)
    assert body["because"] == "busy: 1 of the 1 calendars that block it is busy; all of them have to be free"
    [family] = body["calendars"]
    assert (family["name"], family["why"]) == ("Family", "busy")
    assert family["span"] == {"start": iso(MEETING.start), "end": iso(MEETING.end)}


async def test_one_merchant_learns_nothing_of_anothers_calendars(api: Api, merchant: str) -> None:
    other = f"{merchant}-other"
    await open_tour(api, merchant)
    await open_blocked_tour(api, other, MEETING)
    assert (await availability(api, merchant)).json()["slots"] == []
    answer = await explain(api, merchant, at=iso(MEETING.start))
    assert (answer.status_code, answer.json()["because"]) == (200, "free: no calendar blocks it")
    assert "Family" not in answer.text


async def test_a_product_that_is_not_known_is_not_found(api: Api, merchant: str) -> None:
    for answer in (
        await availability(api, merchant, "invented"),
        await explain(api, merchant, "invented", at=iso(START)),
    ):
        said = refused(answer, 404, "not-found")
        assert "put its settings first" in said
        assert "invented" not in said


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"to": iso(DAY.start)}, "The end is not after the start"),
        ({"to": iso(DAY.start + timedelta(days=551))}, "more than 550 days after the start"),
        ({"from": "2026-07-01T18:00:00"}, '"field":"from"'),
        ({"to": "tomorrow"}, '"field":"to"'),
        ({"from": "0001-01-01T00:00:00+12:00"}, '"field":"from","detail":"is not between the years 1970 and 2200'),
        ({"to": "9999-12-31T23:59:59-12:00"}, '"field":"to","detail":"is not between the years 1970 and 2200'),
        ({"from": "2027-07-01"}, "not of one kind; give two date-times, or two dates for nights"),
        ({"from": "2027-07-02", "to": "2027-07-01"}, "The end is before the start"),
    ],
)
async def test_times_that_make_no_sense_are_named(api: Api, merchant: str, query: dict[str, str], said: str) -> None:
    await open_tour(api, merchant)
    assert said in refused(await availability(api, merchant, **query), 422, "invalid-request")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({}, '"field":"at"'),
        ({"at": "2026-07-01"}, '"field":"at"'),
        ({"at": "2201-01-01T00:00:00Z"}, "between 1970 and 2200"),
        ({"at": "9999-12-31T23:59:59-12:00"}, '"field":"at","detail":"is not between the years 1 and 9999 in UTC"'),
    ],
)
async def test_a_moment_that_makes_no_sense_is_named(api: Api, merchant: str, query: dict[str, str], said: str) -> None:
    await open_tour(api, merchant)
    assert said in refused(await explain(api, merchant, **query), 422, "invalid-request")


async def test_no_name_of_a_calendar_reaches_the_log(api: Api, merchant: str, caplog: pytest.LogCaptureFixture) -> None:
    await open_blocked_tour(api, merchant, MEETING)
    with caplog.at_level("DEBUG"):
        assert "Family" in (await explain(api, merchant, at=iso(START))).text
    assert "GET /v1/merchants/{merchant}/products/{product}/explain 200" in caplog.text
    assert "amily" not in caplog.text


async def test_nights_are_asked_for_with_dates_in_the_products_time_zone(api: Api, merchant: str) -> None:
    await open_tour(api, merchant, time_zone="Europe/Helsinki")
    answer = await availability(api, merchant, **{"from": "2027-07-01", "to": "2027-07-03"})
    assert (answer.status_code, answer.json()["from"], answer.json()["to"]) == (
        200,
        "2027-06-30T21:00:00Z",
        "2027-07-02T21:00:00Z",
    )


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"start": "2020-01-01", "end": "2020-01-02"}, "The start is in the past; ask for a time from today on"),
        ({"start": "2020-01-01T10:00:00Z", "end": "2020-01-01T11:00:00Z"}, "The start is in the past"),
        ({"start": "2099-01-01", "end": "2099-01-02T10:00:00Z"}, "not of one kind"),
        ({"start": "2099-01-01", "end": "2101-01-01"}, "more than 550 days after the start"),
        ({"start": "2099-01-01T10:00:00", "end": "2099-01-02T10:00:00Z"}, '"field":"start"'),
    ],
)
async def test_a_time_that_cannot_be_confirmed_is_named(
    api: Api, merchant: str, body: dict[str, str], said: str
) -> None:
    await open_tour(api, merchant)
    answer = await api.platform.post(f"/v1/merchants/{merchant}/products/tour/confirm", json=body)
    assert said in refused(answer, 422, "invalid-request")


@pytest.mark.parametrize("last", ["2099-11-01", "2100-01-30"])
async def test_any_time_up_to_the_horizon_can_be_confirmed(api: Api, merchant: str, last: str) -> None:
    await open_tour(api, merchant, time_zone="Europe/Helsinki")
    body = {"start": "2099-10-01", "end": last, "within_ms": 1}
    answer = await api.platform.post(f"/v1/merchants/{merchant}/products/tour/confirm", json=body)
    assert (answer.status_code, answer.json()["answer"] in {"yes", "unknown"}) == (200, True), answer.text
