"""Google's push messages over real HTTP, and forged ones."""

import asyncio
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from slotsync.domain.availability.push_channels import NewChannel, hash_address
from slotsync.google.channels import push_address
from slotsync.settings import Settings
from slotsync.store.availability.push_channels import PushChannels
from slotsync.store.availability.watched_accounts import WatchedAccounts
from slotsync.store.connections.connections import Connections
from slotsync.store.database.engine import Store
from starter.api.app import create_app
from starter.bootstrap import Services
from tests.support.api import Api

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Watched:
    """A calendar with a channel."""

    api: Api
    connection_id: str
    channel: NewChannel

    async def send(self, **changed: str) -> httpx.Response:
        """Send Google's push message with some headers changed."""
        headers = {
            "X-Goog-Channel-ID": self.channel.id,
            "X-Goog-Channel-Token": self.channel.token,
            "X-Goog-Resource-State": "exists",
            "X-Goog-Message-Number": "2",
        }
        named = {f"X-Goog-{name.replace('_', '-')}": value for name, value in changed.items()}
        return await self.api.stranger.post("/google/push", headers={**headers, **named})

    def notified_at(self) -> datetime | None:
        world = self.api.world
        (calendar,) = WatchedAccounts(world.store, world.vault).get_calendars(self.connection_id)
        return calendar.notified_at


@pytest.fixture
async def watched(api: Api, merchant: str) -> Watched:
    world = api.world
    await world.connect(merchant, f"{merchant}@gmail.example")
    connection_id = Connections(world.store, world.vault).get_active_id(merchant)
    assert connection_id
    accounts = WatchedAccounts(world.store, world.vault)
    accounts.add(connection_id)
    accounts.add_calendars(connection_id, ["family"])
    (calendar,) = accounts.get_calendars(connection_id)
    return Watched(api, connection_id, PushChannels(world.store, world.vault).prepare(calendar.id, "here"))


@pytest.mark.parametrize("state", ["exists", "not_exists"])
async def test_a_push_has_the_calendar_read(watched: Watched, state: str) -> None:
    before = datetime.now(UTC)
    answer = await watched.send(Resource_State=state)
    assert (answer.status_code, answer.content) == (204, b"")
    notified_at = watched.notified_at()
    assert notified_at
    assert before <= notified_at <= datetime.now(UTC)


@pytest.mark.parametrize(
    "changed",
    [
        {"Resource_State": "something_new"},
        {"Resource_State": ""},
        {"Channel_Token": "wrong"},
        {"Channel_Token": ""},
        {"Channel_Token": "x" * 257},
        {"Channel_ID": "unknown"},
        {"Channel_ID": ""},
        {"Channel_ID": "x" * 8000},
    ],
)
async def test_any_other_request_gets_the_same_answer_and_changes_nothing(
    watched: Watched, changed: dict[str, str]
) -> None:
    answer = await watched.send(**changed)
    assert watched.notified_at() is None
    real = await watched.send(Resource_State="sync")
    assert watched.notified_at()
    assert (answer.status_code, answer.content) == (real.status_code, real.content) == (204, b"")
    response = [
        {name: value for name, value in each.headers.items() if name != "x-request-id"} for each in (answer, real)
    ]
    assert {*response[0]} == {*response[1]}


async def test_a_request_without_any_header_of_googles_is_answered_too(api: Api) -> None:
    assert (await api.stranger.post("/google/push", content=b"x" * 1000)).status_code == 204


async def test_a_forgotten_channel_is_ignored(watched: Watched) -> None:
    PushChannels(watched.api.world.store, watched.api.world.vault).forget(watched.channel.id)
    assert (await watched.send()).status_code == 204
    assert watched.notified_at() is None


async def test_a_storm_of_pushes_is_answered_with_few_writes(watched: Watched) -> None:
    writes: list[str] = []

    def see(*call: object) -> None:
        writes.extend([str(call[2])] if str(call[2]).startswith("UPDATE watched_calendar") else [])

    event.listen(Engine, "before_cursor_execute", see)
    began = datetime.now(UTC)
    try:
        answers = await asyncio.gather(*(watched.send(Message_Number=str(number)) for number in range(200)))
    finally:
        event.remove(Engine, "before_cursor_execute", see)
    took = (datetime.now(UTC) - began).total_seconds()
    assert {each.status_code for each in answers} == {204}
    at_once = 32  # threads may look before the first of them has written
    assert 1 <= len(writes) <= took + 1 + at_once
    notified_at = watched.notified_at()
    assert notified_at
    assert notified_at >= began


async def test_without_the_database_google_is_asked_to_repeat_the_push(settings: Settings, api: Api) -> None:
    nobody = settings.model_copy(update={"database_url": "postgresql://nobody@127.0.0.1:1/nothing?connect_timeout=2"})
    cut_off = Services.create(nobody, Store.open(nobody.database_url), api.world.client)
    response = {"Channel-ID": "a-channel", "Channel-Token": "a-token", "Resource-State": "exists"}
    headers = {f"X-Goog-{name}": value for name, value in response.items()}
    transport = httpx.ASGITransport(create_app(cut_off))
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as stranger:
        assert (await stranger.post("/google/push", headers=headers)).status_code == 503


async def test_metrics_count_channels_by_what_was_heard_of_them(watched: Watched) -> None:
    world = watched.api.world
    channels = PushChannels(world.store, world.vault)
    (calendar,) = WatchedAccounts(world.store, world.vault).get_calendars(watched.connection_id)
    here = hash_address(push_address(world.settings))
    assert here
    expires_at = datetime.now(UTC) + timedelta(hours=1)
    before = await count_channels(watched.api)
    for address_hash in (here, "elsewhere"):
        channels.record_opening(channels.prepare(calendar.id, address_hash).id, "r-1", expires_at)
    after = await count_channels(watched.api)
    more = {state: after[state] - before[state] for state in after}
    assert more == {
        "new": 1,
        "other_address": 1,
        "heard": 0,
        "suspect": 0,
        "unheard": 0,
        "missing": -1,
        "not_allowed": 0,
    }


async def count_channels(api: Api) -> dict[str, int]:
    """Return the number of all merchants' channels by state: other tests have some in the shared world."""
    metrics = (await api.stranger.get("/metrics")).text
    found = re.findall(r'slotsync_push_channels{state="(\w+)"} (\d+)', metrics)
    return {state: int(count) for state, count in found}


async def test_neither_the_channel_nor_its_token_is_logged(watched: Watched, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG", logger="starter"):
        await watched.send()
    assert "/google/push" in caplog.text
    assert not [secret for secret in (watched.channel.id, watched.channel.token) if secret in caplog.text]
