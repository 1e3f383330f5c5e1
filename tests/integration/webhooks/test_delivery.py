"""Delivering a message: what goes over the wire, and what becomes of every answer."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from pydantic import SecretStr
from standardwebhooks import Webhook
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.webhooks import MAX_RETRY_DELAY, WebhookActivities
from slotsync.domain.availability.intervals import Interval
from slotsync.domain.retry_delays import OPERATOR_RETRY_DELAY
from slotsync.domain.webhooks import MAX_ANSWER_KEPT, AvailabilityChanged, build_webhook
from slotsync.secrets import Vault
from slotsync.settings import Settings
from slotsync.store.audit_log import AuditLog
from slotsync.store.database.engine import Store
from slotsync.store.message_history import MessageHistory
from slotsync.store.webhook_messages import WebhookMessages
from tests.support.migrated_databases import open_migrated
from tests.support.settings import settings_for
from tests.support.stored_messages import KEY, put_message, waiting_bodies
from tests.support.webhook_receiver import WEBHOOK_PATH, WEBHOOK_SECRET, WebhookReceiver, running_webhook_receiver

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
NEWS = AvailabilityChanged(
    merchant="m",
    product="tour",
    number=1,
    checked_at=NOON,
    complete=True,
    changed=(Interval(start=NOON, end=NOON + timedelta(hours=1)),),
    slots=(),
)
OTHER_SECRET = SecretStr("whsec_" + "b3RoZXIt" * 4)
BODY = build_webhook(NEWS, NOON).model_dump_json()


@pytest.fixture(scope="module")
def module_webhooks() -> Iterator[WebhookReceiver]:
    with running_webhook_receiver() as running:
        yield running


@pytest.fixture
def webhooks(module_webhooks: WebhookReceiver) -> WebhookReceiver:
    module_webhooks.heal()
    module_webhooks.messages.clear()
    module_webhooks.attempts.clear()
    return module_webhooks


@pytest.fixture
def settings(webhooks: WebhookReceiver, tmp_path: Path) -> Settings:
    return webhooks.settings(settings_for("", tmp_path))


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    store = open_migrated(settings.database_url)
    yield store
    store.close()


@pytest.fixture
def messages(store: Store, vault: Vault) -> WebhookMessages:
    """The stored webhooks, with one message to deliver."""
    put_message(store, vault, "m-1", BODY, NOON)
    return WebhookMessages(store, vault)


Activities = Callable[[Settings], WebhookActivities]


@pytest.fixture
async def activities(store: Store, vault: Vault, messages: WebhookMessages) -> AsyncIterator[Activities]:
    made: list[WebhookActivities] = []

    def make(settings: Settings) -> WebhookActivities:
        made.append(WebhookActivities(settings, store, vault))
        return made[-1]

    yield make
    for each in made:
        await each.aclose()


@pytest.fixture
def delivering(activities: Activities, settings: Settings) -> WebhookActivities:
    return activities(settings)


async def deliver(delivering: WebhookActivities) -> int:
    """Return how many messages still wait."""
    return await ActivityEnvironment().run(delivering.deliver_webhook, KEY)


async def refused(delivering: WebhookActivities) -> ApplicationError:
    with pytest.raises(ApplicationError) as raised:
        await deliver(delivering)
    assert not raised.value.non_retryable
    return raised.value


async def test_a_message_arrives_signed_in_its_envelope_and_is_forgotten(
    delivering: WebhookActivities, webhooks: WebhookReceiver, messages: WebhookMessages
) -> None:
    assert await deliver(delivering) == 0
    (message,), (attempt,) = webhooks.messages, webhooks.attempts
    assert (message["id"], message["type"], attempt.body) == ("m-1", "availability.changed", BODY)
    assert attempt.headers["content-type"] == "application/json"
    hour = {"start": "2026-11-22T12:00:00Z", "end": "2026-11-22T13:00:00Z"}
    assert json.loads(BODY) == {
        "type": "availability.changed",
        "timestamp": "2026-11-22T12:00:00Z",
        "data": {
            "merchant": "m",
            "product": "tour",
            "number": 1,
            "checked_at": "2026-11-22T12:00:00Z",
            "complete": True,
            "changed": [hour],
            "slots": [],
        },
    }
    assert messages.count(KEY) == 0


async def test_a_message_that_was_accepted_before_is_not_sent_again(
    delivering: WebhookActivities, webhooks: WebhookReceiver
) -> None:
    assert await deliver(delivering) == 0
    assert await deliver(delivering) == 0
    assert len(webhooks.attempts) == 1


async def test_the_signature_covers_the_time_of_the_attempt_in_any_zone_of_the_machine(
    settings: Settings, store: Store, vault: Vault, messages: WebhookMessages, webhooks: WebhookReceiver
) -> None:
    delivering = WebhookActivities(settings, store, vault, clock=lambda: NOON + timedelta(seconds=0.9))
    await refused(delivering)  # it is far from now
    await delivering.aclose()
    (attempt,) = webhooks.attempts
    assert attempt.headers["webhook-timestamp"] == str(int(NOON.timestamp()))
    assert attempt.headers["webhook-signature"] == Webhook(WEBHOOK_SECRET).sign("m-1", NOON, BODY)


async def test_a_message_that_was_refused_comes_again_with_the_same_id_and_body(
    delivering: WebhookActivities, webhooks: WebhookReceiver, messages: WebhookMessages
) -> None:
    webhooks.fail(times=2)
    errors = [await refused(delivering) for _ in range(2)]
    assert {error.next_retry_delay for error in errors} == {None}
    assert messages.count(KEY) == 1
    assert await deliver(delivering) == 0
    assert {(attempt.id, attempt.body) for attempt in webhooks.attempts} == {("m-1", BODY)}
    assert len(webhooks.messages) == 1


async def test_a_message_with_a_lost_acceptance_comes_again_with_the_same_id(
    delivering: WebhookActivities, webhooks: WebhookReceiver
) -> None:
    webhooks.lose_answers(1)
    assert "RemoteProtocolError" in str(await refused(delivering))
    assert await deliver(delivering) == 0
    assert [message["id"] for message in webhooks.messages] == ["m-1", "m-1"]


@pytest.mark.parametrize(
    ("asked", "delay"),
    [
        ("17", timedelta(seconds=17)),
        ("99999", MAX_RETRY_DELAY),
        ("9" * 400, None),
        ("0", None),
        ("soon", None),
    ],
)
async def test_the_platform_may_ask_for_a_wait(
    delivering: WebhookActivities, webhooks: WebhookReceiver, asked: str, delay: timedelta | None
) -> None:
    webhooks.fail(429, headers={"Retry-After": asked})
    assert (await refused(delivering)).next_retry_delay == delay


async def test_the_platform_may_ask_for_a_wait_until_a_date(
    delivering: WebhookActivities, webhooks: WebhookReceiver
) -> None:
    until = format_datetime(datetime.now(UTC) + timedelta(minutes=30), usegmt=True)
    webhooks.fail(503, headers={"Retry-After": until})
    delay = (await refused(delivering)).next_retry_delay
    assert delay
    assert timedelta(minutes=29) < delay <= timedelta(minutes=30)


@pytest.mark.parametrize("status", [400, 401, 404, 410, 302])
async def test_what_an_operator_has_to_mend_is_tried_again_slowly(
    delivering: WebhookActivities, webhooks: WebhookReceiver, status: int
) -> None:
    webhooks.fail(status, times=1, headers={"Location": webhooks.url})
    error = await refused(delivering)
    assert error.next_retry_delay == OPERATOR_RETRY_DELAY
    assert str(status) in str(error)
    assert "SLOTSYNC_WEBHOOK_URL" in str(error)
    assert len(webhooks.attempts) == 1
    assert await deliver(delivering) == 0


async def test_a_wrong_secret_is_refused_by_the_platform_and_never_shown(
    activities: Activities, settings: Settings
) -> None:
    error = await refused(activities(settings.model_copy(update={"webhook_secret": (OTHER_SECRET,)})))
    assert "SLOTSYNC_WEBHOOK_SECRET" in str(error)
    assert_says_nothing(error)


async def test_a_platform_that_is_not_there_is_an_error_without_its_address(
    activities: Activities, settings: Settings
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    error = await refused(
        activities(settings.model_copy(update={"webhook_url": f"http://u:hunter2@127.0.0.1:{port}{WEBHOOK_PATH}"}))
    )
    assert "ConnectError" in str(error)
    assert_says_nothing(error)


async def test_an_address_that_cannot_be_read_is_an_error_without_it(
    activities: Activities, settings: Settings
) -> None:
    error = await refused(activities(settings.model_copy(update={"webhook_url": f"http://[hunter2{WEBHOOK_PATH}"})))
    assert_says_nothing(error)


async def test_a_platform_that_answers_byte_by_byte_for_ever_is_given_up_in_time(
    settings: Settings, store: Store, vault: Vault, messages: WebhookMessages
) -> None:
    given_up, closed = asyncio.Event(), asyncio.Event()

    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        while not given_up.is_set():
            writer.write(b"-")
            await asyncio.sleep(0.05)
        writer.close()
        closed.set()

    async with await asyncio.start_server(drip, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        address = settings.model_copy(update={"webhook_url": f"http://127.0.0.1:{port}"})
        delivering = WebhookActivities(address, store, vault, timeout=timedelta(seconds=0.3))
        assert "TimeoutError" in str(await refused(delivering))
        await delivering.aclose()
        given_up.set()
        await closed.wait()
    assert waiting_bodies(store, vault) == {"m-1": BODY}


async def test_without_an_address_nothing_is_sent_and_the_message_waits(
    activities: Activities, settings: Settings, messages: WebhookMessages, webhooks: WebhookReceiver
) -> None:
    with pytest.raises(ApplicationError, match="SLOTSYNC_WEBHOOK_URL is not set"):
        await deliver(activities(settings.model_copy(update={"webhook_url": ""})))
    assert messages.count(KEY) == 1
    assert webhooks.attempts == []


def assert_says_nothing(error: ApplicationError) -> None:
    """Assert that neither the error nor its causes show a secret or the message."""
    assert error.__cause__ is None
    assert error.__context__ is None
    shown = f"{error!r} {error.details}"
    hidden = ("hunter2", "a-secret-of-the-platform", OTHER_SECRET.get_secret_value(), WEBHOOK_SECRET, "tour")
    assert [each for each in hidden if each in shown] == []


async def test_every_attempt_is_kept_with_its_status_and_how_the_answer_begins(
    delivering: WebhookActivities, webhooks: WebhookReceiver, store: Store, vault: Vault
) -> None:
    webhooks.fail(500, times=1, body="<h1>out of order</h1>" + "é" * 1000)
    webhooks.lose_answers(1)
    for _ in range(2):
        await refused(delivering)
    await deliver(delivering)
    view = MessageHistory(store, vault, AuditLog(store, vault)).get("m", "m-1")
    assert view
    first, second, third = view.last_attempts
    assert first.status == 500
    assert first.answer
    assert (first.answer[:21], len(first.answer)) == ("<h1>out of order</h1>", MAX_ANSWER_KEPT)
    assert (second.status, second.failure) == (None, "RemoteProtocolError")
    assert (third.status, third.failure, third.answer) == (204, None, None)


async def test_with_two_secrets_the_platform_may_know_either(
    activities: Activities, settings: Settings, webhooks: WebhookReceiver
) -> None:
    both = settings.model_copy(update={"webhook_secret": (OTHER_SECRET, *settings.webhook_secret)})
    assert await deliver(activities(both)) == 0
    (attempt,) = webhooks.attempts
    assert len(attempt.headers["webhook-signature"].split()) == 2
    assert Webhook(OTHER_SECRET.get_secret_value()).verify(attempt.body, dict(attempt.headers))
