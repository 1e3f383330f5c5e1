"""Each change by the API stands in the merchant's audit log, with the key that made it."""

from collections.abc import Awaitable, Callable

import httpx
import pytest

from slotsync.clock import utc_now
from slotsync.domain.availability.blocking import PickableCalendar
from slotsync.domain.calendars.choices import Chooser
from slotsync.domain.calendars.owner import Owner, OwnerChanges
from slotsync.domain.reservations.drift import Drift, DriftAction, DriftKind
from slotsync.domain.reservations.event import EventKey
from slotsync.store.availability.blocking_calendars import BlockingCalendars
from slotsync.store.calendars.drift_records import CompletedAudit, DriftRecords
from starter.api.keys import NEEDED_ROLES
from tests.support.api import Api
from tests.support.stored_messages import accept_message, put_message

pytestmark = pytest.mark.anyio

MERCHANT = "/v1/merchants/{merchant}"
BY = {"kind": "key", "name": "key-1", "address": "127.0.0.1"}

ALL_TIME = {"from": "2026-01-01T00:00:00Z", "to": "2200-01-01T00:00:00Z"}

CHANGING = {
    ("PUT", MERCHANT): ({"name": "Other"}, ["merchant.changed"]),
    ("PUT", f"{MERCHANT}/products/{{product}}"): ({"name": "Other"}, ["settings.changed"]),
    ("PUT", f"{MERCHANT}/resources/{{resource}}"): ({"name": "Other"}, ["settings.changed"]),
    ("PUT", f"{MERCHANT}/products/{{product}}/blocking-calendars"): ({"calendar_ids": []}, ["calendars.picked"]),
    ("POST", f"{MERCHANT}/messages/{{message}}/resend"): (None, ["messages.resent"]),
    ("POST", f"{MERCHANT}/messages:resend"): (ALL_TIME, ["messages.resent"]),
    ("POST", f"{MERCHANT}/messages/{{message}}/skip"): ({"reason": "why"}, ["message.skipped"]),
    ("POST", f"{MERCHANT}/drift/{{drift}}/answer"): ({"answer": "keep"}, ["drift.answered"]),
    ("DELETE", f"{MERCHANT}/google"): (None, ["visits.ended", "connection.disconnected"]),
    ("DELETE", f"{MERCHANT}/products/{{product}}"): (None, ["settings.deleted"]),
    ("DELETE", f"{MERCHANT}/resources/{{resource}}"): (None, ["settings.deleted"]),
}
"""The routes that change a merchant, each with a body and what stands in the log afterwards. In this order."""

NOT_RECORDED = {
    ("PUT", f"{MERCHANT}/reservations/{{reservation}}"): "has a timeline of its own",
    ("POST", f"{MERCHANT}/products/{{product}}/confirm"): "changes nothing; its evidence is kept",
    ("POST", f"{MERCHANT}/google/connect"): "only a link: what is connected with it stands there",
    ("POST", f"{MERCHANT}/settings-link"): "only a link: what is changed with it stands there",
    ("POST", f"{MERCHANT}/google/complete"): "connects: see tests/integration/settings_page/test_accounts.py",
}


async def audit_of(api: Api, merchant: str, **query: int) -> list[dict[str, object]]:
    answer = await api.platform.get(f"/v1/merchants/{merchant}/audit", params={"limit": 200, **query})
    items: list[dict[str, object]] = answer.raise_for_status().json()["items"]
    return items


def ask_about_drift(api: Api, merchant: str) -> str:
    """Record drift that is asked about, and return its id."""
    records, kayak = DriftRecords(api.world.store), Owner.product("kayak")
    drift = Drift(kind=DriftKind.CHANGED, reservation="R-1", key=EventKey(item="1", owner=kayak))
    records.record(
        CompletedAudit(
            merchant=merchant,
            owner=kayak,
            calendar_id="calendar",
            at=utc_now(),
            found=[(drift, DriftAction.ASK)],
            right=(),
            complete=True,
            sync_token=None,
        )
    )
    (asked,) = records.find(merchant, 9)
    return asked.id


def test_every_route_that_changes_something_is_known_here() -> None:
    changing = {route for route in NEEDED_ROLES if route[0] != "GET"}
    assert changing == CHANGING.keys() | NOT_RECORDED.keys()


async def test_each_route_that_changes_a_merchant_says_so_in_the_log(api: Api, merchant: str) -> None:
    await api.world.connect(merchant, f"{merchant}@gmail.example")
    for kind in ("products", "resources"):
        await api.platform.put(f"/v1/merchants/{merchant}/{kind}/kayak", json={"name": "Kayak"})
    picked = [PickableCalendar(id="c-1", name="Family")]
    BlockingCalendars(api.world.store, api.world.vault).replace(merchant, Owner.product("kayak"), picked)
    for number in (1, 2):
        put_message(api.world.store, api.world.vault, f"{merchant}-{number}", "{}", utc_now(), merchant=merchant)
        accept_message(api.world.store, api.world.vault, f"{merchant}-{number}", merchant)
    asked = ask_about_drift(api, merchant)
    for (method, path), (body, actions) in CHANGING.items():
        known = len(await audit_of(api, merchant))
        address = path.format(
            merchant=merchant, product="kayak", resource="kayak", message=f"{merchant}-1", drift=asked
        )
        (await api.platform.request(method, address, json=body)).raise_for_status()
        found = await audit_of(api, merchant, after=known)
        assert [(each["action"], each["by"]) for each in found] == [(action, BY) for action in actions], path


async def test_an_override_stands_there_with_the_values_before_and_after(api: Api, merchant: str) -> None:
    address = f"/v1/merchants/{merchant}/products/kayak"
    await api.platform.put(address, json={"name": "Kayak"})
    chosen = OwnerChanges.model_validate({"guest_data": "busy"})
    await api.world.slotsync.put_owner(merchant, Owner.product("kayak"), chosen, chooser=Chooser.MERCHANT)
    await api.platform.put(address, json={"guest_data": "full", "override": True})
    last = (await audit_of(api, merchant))[-1]
    assert last.pop("at")
    assert last == {
        "number": 3,
        "action": "settings.changed",
        "by": BY,
        "subject": "product:kayak",
        "before": {"guest_data": "busy"},
        "after": {"guest_data": "full"},
        "overridden": ["guest_data"],
    }


async def test_pages_follow_each_other_until_the_last(api: Api, merchant: str) -> None:
    for number in range(5):
        await api.platform.put(f"/v1/merchants/{merchant}", json={"name": f"Name {number}"})
    pages, after = list[list[int]](), "0"
    while after:
        address = f"/v1/merchants/{merchant}/audit"
        answer = (await api.platform.get(address, params={"limit": "2", "after": after})).json()
        pages.append([each["number"] for each in answer["items"]])
        after = answer["next"]
    assert pages == [[1, 2], [3, 4], [5]]
    assert await audit_of(api, merchant, after=5) == []


@pytest.mark.parametrize("query", [{"after": "-1"}, {"after": "x"}, {"after": 2**31}, {"limit": 0}, {"limit": 201}])
async def test_a_wrong_page_is_refused(api: Api, merchant: str, query: dict[str, int | str]) -> None:
    assert (await api.platform.get(f"/v1/merchants/{merchant}/audit", params=query)).status_code == 422


async def test_of_an_unknown_merchant_there_is_no_log_and_of_a_known_one_there_is(api: Api, merchant: str) -> None:
    assert (await api.platform.get(f"/v1/merchants/{merchant}/audit")).status_code == 404
    await api.platform.put(f"/v1/merchants/{merchant}", json={})
    assert (await api.platform.get(f"/v1/merchants/{merchant}/audit")).json() == {"items": [], "next": None}


@pytest.mark.parametrize("send", [httpx.AsyncClient.put, httpx.AsyncClient.post, httpx.AsyncClient.delete])
async def test_the_log_can_only_be_read(
    api: Api, merchant: str, send: Callable[[httpx.AsyncClient, str], Awaitable[httpx.Response]]
) -> None:
    assert (await send(api.platform, f"/v1/merchants/{merchant}/audit")).status_code == 405
    assert (await send(api.platform, f"/v1/merchants/{merchant}/audit/1")).status_code == 404
