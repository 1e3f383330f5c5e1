from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from slotsync.domain.availability.messages import ProductKey
from slotsync.domain.webhooks import WebhookType
from slotsync.secrets import Vault
from slotsync.store.database.engine import Store
from slotsync.store.webhook_messages import (
    ATTEMPT_MARGIN,
    FIRST_ATTEMPT_MARGIN,
    MessageContent,
    MessageOrder,
    WebhookMessages,
)
from tests.support.stored_messages import KEY, accept_message, put_message, waiting_bodies

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def messages(store: Store, vault: Vault) -> WebhookMessages:
    return WebhookMessages(store, vault)


def test_messages_are_taken_in_order_and_kept_until_they_are_accepted(
    store: Store, vault: Vault, messages: WebhookMessages
) -> None:
    for name, number, place in (("m-3", 10, 0), ("m-2", 2, 1), ("m-1", 2, 0)):
        put_message(store, vault, name, name.upper(), NOON, number=number, place=place)
    taken = []
    while (message := messages.take_next(KEY, NOON)) is not None:
        assert messages.take_next(KEY, NOON) == message, "it is the next until it is accepted"
        taken.append(tuple(message))
        accept_message(store, vault, message.id)
        accept_message(store, vault, message.id)
    assert taken == [("m-1", "M-1"), ("m-2", "M-2"), ("m-3", "M-3")]


def test_products_wait_each_for_itself(store: Store, vault: Vault, messages: WebhookMessages) -> None:
    put_message(store, vault, "m-1", "one", NOON)
    for other in (ProductKey(merchant="m", product="kayak"), ProductKey(merchant="n", product="tour")):
        assert messages.take_next(other, NOON) is None
        assert messages.count(other) == 0
    assert messages.count(KEY) == 1


def test_a_message_never_changes(store: Store, vault: Vault) -> None:
    put_message(store, vault, "m-1", "one", NOON)
    put_message(store, vault, "m-1", "another", NOON)
    assert waiting_bodies(store, vault) == {"m-1": "one"}


def test_only_the_newest_message_about_availability_that_was_never_tried_can_be_withdrawn(
    store: Store, vault: Vault, messages: WebhookMessages
) -> None:
    for number in (1, 2, 3):
        put_message(store, vault, f"m-{number}", str(number), NOON, number=number)
    put_message(store, vault, "m-conflict", "conflict", NOON, number=3, place=1)
    messages.take_next(KEY, NOON)
    with store.write() as connection:
        assert [messages.withdraw_newest(connection, KEY) for _ in range(3)] == ["3", "2", None]
    assert list(waiting_bodies(store, vault)) == ["m-1", "m-conflict"]


def test_a_message_that_nobody_sends_is_due_until_it_is_postponed_or_tried(
    store: Store, vault: Vault, messages: WebhookMessages
) -> None:
    put_message(store, vault, "m-1", "one", NOON)
    overdue = NOON + FIRST_ATTEMPT_MARGIN
    assert messages.find_due(overdue - timedelta(seconds=1)) == []
    assert messages.find_due(overdue) == [KEY]
    messages.due_rows.postpone([("m", "tour")], overdue, overdue + timedelta(hours=1))
    assert messages.find_due(overdue) == []
    messages.take_next(KEY, overdue)
    assert messages.find_due(overdue + timedelta(hours=1)) == []
    assert messages.find_due(overdue + ATTEMPT_MARGIN) == [KEY]


def test_a_message_is_stored_only_together_with_its_change(
    store: Store, vault: Vault, messages: WebhookMessages
) -> None:
    content = MessageContent(WebhookType.AVAILABILITY_CHANGED, "one")

    def fail() -> None:
        with store.write() as connection:
            messages.put(connection, "m-1", KEY, MessageOrder(1, 0), content, NOON)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert waiting_bodies(store, vault) == {}


def test_a_message_of_a_type_that_is_turned_off_is_not_stored(store: Store, vault: Vault) -> None:
    content = MessageContent(WebhookType.CONFLICT_FOUND, "one")
    for types in ({WebhookType.AVAILABILITY_CHANGED}, {WebhookType.CONFLICT_FOUND}):
        assert waiting_bodies(store, vault) == {}
        with store.write() as connection:
            WebhookMessages(store, vault, types).put(connection, "m-1", KEY, MessageOrder(1, 1), content, NOON)
    assert waiting_bodies(store, vault) == {"m-1": "one"}


def test_a_message_cannot_be_read_without_a_key(store: Store, vault: Vault) -> None:
    put_message(store, vault, "m-1", "what happened", NOON)
    with store.read() as session:
        rows = str([*session.connection().execute(text("SELECT * FROM webhook_message"))])
    assert "m-1" in rows
    assert "what happened" not in rows


def test_a_message_counts_as_overdue_by_its_age_however_often_it_was_tried(
    store: Store, vault: Vault, messages: WebhookMessages
) -> None:
    put_message(store, vault, "m-1", "one", NOON)
    messages.take_next(KEY, NOON)
    assert messages.count_overdue(NOON) == 0
    assert messages.count_overdue(NOON + timedelta(minutes=1)) == 1
    assert messages.find_products() == [KEY]
    accept_message(store, vault, "m-1")
    assert messages.find_products() == []
