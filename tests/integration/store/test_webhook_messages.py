from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from slotsync.secrets import Vault
from slotsync.store.database.engine import Store
from slotsync.store.webhook_messages import WebhookMessages

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def messages(store: Store, vault: Vault) -> WebhookMessages:
    return WebhookMessages(store, vault)


def put(store: Store, messages: WebhookMessages, message_id: str, body: str) -> None:
    with store.write() as connection:
        messages.put(connection, message_id, "m", body, NOON)


def test_a_message_is_kept_until_it_is_accepted(store: Store, messages: WebhookMessages) -> None:
    put(store, messages, "m-1", "one")
    put(store, messages, "m-2", "two")
    messages.forget("m-1")
    messages.forget("m-1")
    assert [messages.get_body(each) for each in ("m-1", "m-2", "m-3")] == [None, "two", None]


def test_a_message_never_changes(store: Store, messages: WebhookMessages) -> None:
    put(store, messages, "m-1", "one")
    put(store, messages, "m-1", "another")
    assert messages.get_body("m-1") == "one"


def test_a_message_is_stored_only_together_with_its_change(store: Store, messages: WebhookMessages) -> None:
    def fail() -> None:
        with store.write() as connection:
            messages.put(connection, "m-1", "m", "one", NOON)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert messages.get_body("m-1") is None


def test_what_a_message_says_cannot_be_read_without_a_key(store: Store, messages: WebhookMessages) -> None:
    put(store, messages, "m-1", "what happened")
    with store.read() as session:
        rows = str([*session.connection().execute(text("SELECT * FROM webhook_message"))])
    assert "m-1" in rows
    assert "what happened" not in rows
