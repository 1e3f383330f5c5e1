"""Lists over HTTP: reservations with their status, products, resources; page by page, with filters."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from slotsync.clock import utc_now
from slotsync.domain.availability.intervals import Interval
from slotsync.domain.calendars.owner import Owner
from slotsync.domain.reservations.booked_time import BookedTime
from slotsync.domain.reservations.drift import Drift, DriftAction, DriftKind
from slotsync.domain.reservations.event import EventKey, SyncState
from slotsync.domain.reservations.schedule import ends_at
from slotsync.store.calendars.drift_records import CompletedAudit, DriftRecords
from slotsync.store.reservations.booked_times import BookedTimes
from slotsync.store.reservations.reservations import Reservations
from slotsync.store.reservations.synced_events import SyncedEvents
from tests.support.api import Api
from tests.support.samples import TOUR, item, settings_of, snapshot

pytestmark = pytest.mark.anyio

KAYAK, GUIDE = Owner.product("kayak"), Owner.resource("guide-1")
LONG_AGO = utc_now() - timedelta(days=3)


async def items(api: Api, merchant: str, what: str, **query: str) -> list[dict[str, Any]]:
    """Return all pages of a list, two items a page."""
    found, after = list[dict[str, Any]](), dict[str, str]()
    while True:
        answer = await api.platform.get(f"/v1/merchants/{merchant}/{what}", params={"limit": "2", **query, **after})
        page = answer.raise_for_status().json()
        assert len(page["items"]) <= 2
        found += page["items"]
        if page["next"] is None:
            return found
        after = {"after": page["next"]}


def report(api: Api, merchant: str, name: str, states: Mapping[Owner, SyncState], day: int) -> None:
    """Store a reservation that was reported some minutes after others, with its events in these states."""
    reservations, events = Reservations(api.world.store, api.world.vault), SyncedEvents(api.world.store)
    booked = snapshot(1, item(day=day), name=name, merchant=merchant)
    at = LONG_AGO + timedelta(minutes=day)
    reservations.report(booked, at)
    reservations.record_plan(booked, ends_at(booked), (), at)
    for owner, state in states.items():
        events.mark(merchant, name, EventKey(item="1", owner=owner), state, at, "why")


@pytest.fixture
async def filled(api: Api, merchant: str) -> str:
    """A merchant with two products, a resource, and four reservations."""
    for owner in (TOUR, KAYAK, GUIDE):
        await api.world.slotsync.put_owner(merchant, owner, settings_of(owner))
    report(api, merchant, "R-4", {TOUR: SyncState.IN_STEP}, 1)
    report(api, merchant, "R-3", {TOUR: SyncState.FAILED, GUIDE: SyncState.IN_STEP}, 2)
    report(api, merchant, "R-2", {KAYAK: SyncState.PARKED}, 3)
    report(api, merchant, "R-1", {KAYAK: SyncState.IN_STEP}, 4)
    return merchant


async def test_reservations_come_by_when_they_were_last_reported_each_with_its_status(api: Api, filled: str) -> None:
    found = await items(api, filled, "reservations")
    assert [each["reservation"] for each in found] == ["R-4", "R-3", "R-2", "R-1"]
    assert found[1]["doing"] == "Version 1 is held up"
    assert {each["owner"]: each["state"] for each in found[1]["events"]} == {str(TOUR): "failed", str(GUIDE): "in_step"}
    assert (found[0]["status"], found[0]["starts_at"]) == ("confirmed", "2027-07-01T15:00:00Z")


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"state": "failed"}, ["R-3"]),
        ({"product": "kayak"}, ["R-2", "R-1"]),
        ({"from": "2027-07-02T17:00:00Z"}, ["R-2", "R-1"]),
        ({"to": "2027-07-02T15:00:00Z"}, ["R-4"]),
        ({"changed_since": (LONG_AGO + timedelta(minutes=3)).isoformat()}, ["R-2", "R-1"]),
        ({"attention": "true"}, ["R-3", "R-2"]),
        ({"attention": "true", "product": "kayak"}, ["R-2"]),
    ],
)
async def test_a_filter_chooses_by_state_product_time_and_change(
    api: Api, filled: str, query: dict[str, str], names: list[str]
) -> None:
    assert [each["reservation"] for each in await items(api, filled, "reservations", **query)] == names


async def test_what_is_reported_while_one_reads_comes_at_the_end_and_nothing_is_missed(api: Api, filled: str) -> None:
    first = (await api.platform.get(f"/v1/merchants/{filled}/reservations", params={"limit": "2"})).json()
    again = snapshot(2, item(day=1), name="R-4", merchant=filled)
    Reservations(api.world.store, api.world.vault).report(again, utc_now())
    rest = await api.platform.get(f"/v1/merchants/{filled}/reservations", params={"after": first["next"]})
    assert [each["reservation"] for each in rest.json()["items"]] == ["R-2", "R-1", "R-4"]


async def test_products_and_resources_are_listed_by_id_with_their_settings(api: Api, filled: str) -> None:
    await api.world.slotsync.put_owner(filled, Owner.product("zodiac"), settings_of(Owner.product("zodiac")))
    products = await items(api, filled, "products")
    assert [each["id"] for each in products] == ["kayak", TOUR.id, "zodiac"]
    assert (products[0]["name"], products[0]["sync"]) == ("kayak", True)
    assert [each["id"] for each in await items(api, filled, "resources")] == ["guide-1"]


@pytest.mark.parametrize("what", ["reservations", "products", "resources", "messages", "drift", "conflicts"])
async def test_a_list_of_a_merchant_that_is_not_known_is_not_found(api: Api, merchant: str, what: str) -> None:
    answer = await api.platform.get(f"/v1/merchants/{merchant}/{what}")
    assert answer.status_code == 404
    assert "not known; put it" in answer.json()["detail"]


async def test_the_overview_of_a_merchant_names_what_is_held_up_and_what_to_do(api: Api, filled: str) -> None:
    overview = await api.world.slotsync.overview(filled)
    assert [(each.reservation, each.reason) for each in overview.held_up] == [("R-3", "why"), ("R-2", "why")]
    assert "Google refuses it" in overview.held_up[0].remedy
    assert "connect Google" in overview.held_up[1].remedy


def record_drift(api: Api, merchant: str, *found: tuple[Drift, DriftAction]) -> None:
    DriftRecords(api.world.store).record(
        CompletedAudit(
            merchant=merchant,
            owner=TOUR,
            calendar_id="calendar",
            at=datetime(2026, 11, 28, 2, tzinfo=UTC),
            found=found,
            right=(),
            complete=True,
            sync_token=None,
        )
    )


async def test_drift_is_listed_page_by_page_by_when_it_was_found(api: Api, filled: str) -> None:
    key = EventKey(item="1", owner=TOUR)
    drifts = [Drift(kind=DriftKind.CHANGED, reservation=f"R-{number}", key=key, fields=("end",)) for number in range(3)]
    record_drift(api, filled, *((each, DriftAction.REPORT) for each in drifts))
    listed = await items(api, filled, "drift", open="true")
    assert sorted(each["reservation"] for each in listed) == ["R-0", "R-1", "R-2"]
    assert {(each["kind"], each["action"], *each["fields"]) for each in listed} == {("changed", "report", "end")}


async def test_conflicts_are_listed_by_when_they_were_found_until_they_are_over(api: Api, filled: str) -> None:
    times = BookedTimes(api.world.store)
    start = datetime(2027, 7, 1, 15, tzinfo=UTC)
    hour = Interval(start=start, end=start + timedelta(hours=1))
    for number, product in enumerate(("kayak", "kayak", "zodiac")):
        booked = BookedTime(reservation=f"C-{number}", item="1", product=product, interval=hour)
        with api.world.store.write() as connection:
            times.replace(connection, filled, booked.reservation, [booked], start - timedelta(days=3))
            times.mark_conflicts(connection, filled, product, [hour], start - timedelta(days=2 - number))
    with api.world.store.write() as connection:
        times.replace(connection, filled, "C-0", [], start)
    listed = await items(api, filled, "conflicts")
    assert [(each["reservation"], each["product"]) for each in listed] == [
        ("C-0", "kayak"),
        ("C-1", "kayak"),
        ("C-2", "zodiac"),
    ]
    assert [each["resolved_at"] for each in listed] == ["2027-07-01T15:00:00Z", None, None]
    assert (listed[0]["start"], listed[0]["end"]) == ("2027-07-01T15:00:00Z", "2027-07-01T16:00:00Z")
    open_ones = await items(api, filled, "conflicts", open="true", product="kayak")
    assert [each["reservation"] for each in open_ones] == ["C-1"]


async def test_drift_that_nobody_asks_about_and_drift_that_is_not_known_take_no_answer(api: Api, filled: str) -> None:
    key = EventKey(item="1", owner=TOUR)
    actions = {"R-1": DriftAction.REPORT, "R-2": DriftAction.ASK}
    record_drift(
        api,
        filled,
        *((Drift(kind=DriftKind.CHANGED, reservation=name, key=key), action) for name, action in actions.items()),
    )
    ids = {each["reservation"]: each["id"] for each in await items(api, filled, "drift")}
    address = f"/v1/merchants/{filled}/drift"
    refused = await api.platform.post(f"{address}/{ids['R-1']}/answer", json={"answer": "keep"})
    assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (409, "wrong-state")
    unknown = await api.platform.post(f"{address}/nothing/answer", json={"answer": "keep"})
    assert unknown.status_code == 404
    kept = await api.platform.post(f"{address}/{ids['R-2']}/answer", json={"answer": "keep", "always": True})
    assert (kept.json()["answer"], kept.json()["resolved_at"]) == ("keep", None)
    merchant = (await api.platform.get(f"/v1/merchants/{filled}")).json()
    assert merchant["on_drift"] == "report"


async def test_a_metric_counts_drift_that_stands_by_what_is_done_about_it(api: Api, filled: str) -> None:
    before = await count_drift(api)
    key = EventKey(item="1", owner=TOUR)
    actions = [DriftAction.REPORT, DriftAction.REPORT, DriftAction.ASK]
    drifts = [Drift(kind=DriftKind.CHANGED, reservation=f"R-{number}", key=key) for number in range(3)]
    record_drift(api, filled, *zip(drifts, actions, strict=True))
    after = await count_drift(api)
    assert {action: after[action] - before[action] for action in after} == {"repair": 0, "report": 2, "ask": 1}


async def count_drift(api: Api) -> dict[str, int]:
    """Return the number of all merchants' drifts by action: other tests have some in the shared world."""
    metrics = (await api.stranger.get("/metrics")).text
    return {action: int(count) for action, count in re.findall(r'slotsync_drift{action="(\w+)"} (\d+)', metrics)}
