"""Messages to the platform as they are stored."""

from datetime import datetime

from sqlalchemy import select

from slotsync.domain.availability.messages import ProductKey
from slotsync.domain.webhooks import Attempt, MessageState, WebhookType
from slotsync.secrets import Vault
from slotsync.store.database.base import table_of
from slotsync.store.database.engine import Store
from slotsync.store.tables.webhooks import WebhookMessageRow
from slotsync.store.webhook_messages import MessageContent, MessageOrder, WebhookMessages
from tests.support.stored_secrets import decrypted_values

KEY = ProductKey(merchant="m", product="tour")


def put_message(  # noqa: PLR0913  all that a message consists of
    store: Store,
    vault: Vault,
    message_id: str,
    body: str,
    now: datetime,
    *,
    number: int = 1,
    place: int = 0,
    merchant: str = KEY.merchant,
) -> None:
    """Record a message about the tour."""
    key = ProductKey(merchant=merchant, product=KEY.product)
    content = MessageContent(WebhookType.AVAILABILITY_CHANGED, body)
    with store.write() as connection:
        WebhookMessages(store, vault).put(connection, message_id, key, MessageOrder(number, place), content, now)


def refuse_message(store: Store, vault: Vault, message_id: str, status: int = 503) -> None:
    """Record that the platform has refused a message."""
    refused = Attempt(at=store.now(), duration_ms=1, status=status, answer="we are closed")
    WebhookMessages(store, vault).record_attempt(KEY.merchant, message_id, refused)


def accept_message(store: Store, vault: Vault, message_id: str, merchant: str = KEY.merchant) -> None:
    """Record that the platform has accepted a message."""
    accepted = Attempt(at=store.now(), duration_ms=1, status=204)
    WebhookMessages(store, vault).record_attempt(merchant, message_id, accepted)


def waiting_bodies(store: Store, vault: Vault, key: ProductKey = KEY) -> dict[str, str]:
    """Return the bodies of the messages that wait about a product, by their ids, in order."""
    table = table_of(WebhookMessageRow)
    query = (
        select(table.c.id)
        .filter_by(**dict(key), state=MessageState.WAITING.value)
        .order_by(table.c.number, table.c.place)
    )
    bodies = decrypted_values(store, vault, "webhook_message.body")
    with store.read() as session:
        return {message_id: bodies[(message_id,)] for message_id in session.connection().execute(query).scalars()}
