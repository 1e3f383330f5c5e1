"""The messages to the platform over HTTP: listed, read, sent again, skipped."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from localgoogle.server import RunningLocalGoogle
from slotsync.settings import Settings
from tests.support.api import Api, api_with
from tests.support.samples import TOUR, settings_of
from tests.support.settings import KEY, PUBLIC_URL, settings_for
from tests.support.stored_messages import accept_message, put_message, refuse_message
from tests.support.waiting import until
from tests.support.webhook_receiver import WebhookReceiver, running_webhook_receiver

pytestmark = pytest.mark.anyio

MESSAGES = "/v1/merchants/m/messages"
NOW = datetime.now(UTC)
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def receiver() -> Iterator[WebhookReceiver]:
    with running_webhook_receiver() as running:
        yield running


@pytest.fixture
def settings(local_google: RunningLocalGoogle, tmp_path: Path, receiver: WebhookReceiver) -> Settings:
    defaults = receiver.settings(settings_for(local_google.url, tmp_path))
    return defaults.model_copy(update={"api_keys": (SecretStr(KEY),), "public_url": PUBLIC_URL})


@pytest.fixture
async def api(settings: Settings, receiver: WebhookReceiver) -> AsyncIterator[Api]:
    """A merchant with three messages, of which the platform has accepted the first two."""
    receiver.messages.clear()
    async with api_with(settings) as built:
        await built.world.slotsync.put_owner("m", TOUR, settings_of(TOUR))
        for number in (1, 2, 3):
            body = f'{{"type": "availability.changed", "data": {{"number": {number}}}}}'
            put_message(built.world.store, built.world.vault, f"m-{number}", body, NOW, number=number)
        for name in ("m-1", "m-2"):
            accept_message(built.world.store, built.world.vault, name)
        yield built


async def items(api: Api, **query: str) -> list[dict[str, Any]]:
    """Return all pages of the list, one message a page."""
    found, after = list[dict[str, Any]](), dict[str, str]()
    while True:
        answer = await api.platform.get(MESSAGES, params={"limit": "1", **query, **after})
        page = answer.raise_for_status().json()
        found += page["items"]
        if page["next"] is None:
            return found
        after = {"after": page["next"]}


async def test_a_platform_that_lost_a_day_gets_it_again_by_list_and_resend(api: Api, receiver: WebhookReceiver) -> None:
    assert [(each["id"], each["state"]) for each in await items(api)] == [
        ("m-1", "accepted"),
        ("m-2", "accepted"),
        ("m-3", "waiting"),
    ]
    lost = {"from": (NOW - DAY).isoformat(), "to": (NOW + DAY).isoformat(), "type": "availability.changed"}
    async with api.world.working():
        answer = await api.platform.post(f"{MESSAGES}:resend", json=lost)
        assert (answer.status_code, answer.json()) == (202, {"resent": 2})

        async def received() -> bool:
            return len(receiver.messages) >= 3

        await until(received, 30)
    assert [each["id"] for each in receiver.messages] == ["m-1", "m-2", "m-3"]
    assert {each["state"] for each in await items(api)} == {"accepted"}


async def test_one_message_shows_its_body_and_attempts_and_can_be_sent_again_but_not_while_it_waits(api: Api) -> None:
    answer = (await api.platform.get(f"{MESSAGES}/m-1")).json()
    assert answer["body"] == {"type": "availability.changed", "data": {"number": 1}}
    assert [each["status"] for each in answer["last_attempts"]] == [204]
    again = await api.platform.post(f"{MESSAGES}/m-1/resend")
    assert (again.status_code, again.json()["state"]) == (202, "waiting")
    refused = await api.platform.post(f"{MESSAGES}/m-1/resend")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:slotsync:problem:wrong-state")


async def test_a_skipped_message_says_so_in_the_list_and_the_audit_log(api: Api) -> None:
    skipped = await api.platform.post(f"{MESSAGES}/m-3/skip", json={"reason": "unreadable for us"})
    assert (skipped.status_code, skipped.json()["state"]) == (200, "skipped")
    assert (await api.platform.post(f"{MESSAGES}/m-3/skip", json={"reason": "again"})).status_code == 409
    entries = (await api.platform.get("/v1/merchants/m/audit")).json()["items"]
    assert (entries[-1]["action"], entries[-1]["subject"]) == ("message.skipped", "message:m-3")
    assert entries[-1]["after"] == {"reason": "unreadable for us"}


@pytest.mark.parametrize("path", ["m-9", "m-9/resend", "m-9/skip"])
async def test_a_message_that_is_not_kept_is_not_found(api: Api, path: str) -> None:
    method, body = ("GET", None) if path == "m-9" else ("POST", {"reason": "why"})
    answer = await api.platform.request(method, f"{MESSAGES}/{path}", json=body)
    assert answer.status_code == httpx.codes.NOT_FOUND


@pytest.mark.parametrize("after", ["nonsense", "W10", "WyIyMDI2LTAxLTAxIiwgImEiXQ"])
async def test_a_cursor_that_is_none_of_ours_is_refused(api: Api, after: str) -> None:
    answer = await api.platform.get(MESSAGES, params={"after": after})
    assert (answer.status_code, "after: is not" in answer.json()["detail"]) == (422, True)


async def test_the_metrics_count_what_waits_and_what_the_platform_never_takes(api: Api) -> None:
    refuse_message(api.world.store, api.world.vault, "m-3", 410)
    metrics = (await api.stranger.get("/metrics")).text
    assert 'slotsync_messages{state="waiting"} 1.0' in metrics
    assert 'slotsync_messages{state="refused"} 1.0' in metrics
