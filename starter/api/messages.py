"""Routes of the messages to the platform."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, status
from pydantic import Field, StringConstraints

from slotsync.domain.kept_messages import MessageFilter, MessageLine, MessageView
from slotsync.domain.messages import Identifier, Message, UtcTime
from slotsync.domain.webhooks import MessageState, WebhookType
from slotsync.errors import UnknownSubject
from starter.api.cursors import Cursor, Limit, decode_cursor, encode_cursor
from starter.api.documentation import MERCHANT, MerchantId
from starter.api.problems import NOT_FOUND, ApiError
from starter.bootstrap import ServicesDependency

router = APIRouter(prefix=MERCHANT, tags=["messages"])

MessageId = Annotated[Identifier, Path(alias="message", description="The message's id: its `webhook-id`.")]
From = Annotated[UtcTime | None, Query(alias="from", description="Only messages made at this time or later.")]
To = Annotated[UtcTime | None, Query(description="Only messages made before this time.")]
ProductFilter = Annotated[Identifier | None, Query(description="Only messages about this product.")]

_MAX_REASON_LENGTH: Final = 200


class MessageList(Message):
    """Messages, the oldest first; `next` is null after the last ones."""

    items: tuple[MessageLine, ...]
    next: str | None


class ResendBody(Message):
    """The messages to send again: those of this type and product, made in the time from `from` up to `to`."""

    from_: UtcTime = Field(alias="from")
    to: UtcTime
    type: WebhookType | None = None
    product: Identifier | None = None


class Resent(Message):
    """The number of messages that are sent again."""

    resent: int


class SkipBody(Message):
    """The reason for which a message is skipped; it stands in the audit log."""

    reason: Annotated[str, StringConstraints(min_length=1, max_length=_MAX_REASON_LENGTH, pattern=r"^[^\x00-\x1f]+$")]


@router.get("/messages")
async def list_messages(  # noqa: PLR0913, PLR0917  each is a parameter of the query
    merchant: MerchantId,
    services: ServicesDependency,
    limit: Limit = 50,
    after: Cursor = None,
    type: WebhookType | None = None,  # noqa: A002  the name in the query
    product: ProductFilter = None,
    state: MessageState | None = None,
    start: From = None,
    to: To = None,
) -> MessageList:
    """List the messages to the platform: those that wait, and what was accepted or skipped in the last days."""
    chosen = MessageFilter(type=type, product=product, state=state, start=start, end=to)
    with _unknown_as_not_found():
        found = await services.messages.list_messages(merchant, chosen, limit + 1, decode_cursor(after))
    page = found[:limit]
    more = len(found) > limit
    return MessageList(items=tuple(page), next=encode_cursor(page[-1].created_at, page[-1].id) if more else None)


@router.get("/messages/{message}")
async def get_message(merchant: MerchantId, message: MessageId, services: ServicesDependency) -> MessageView:
    """Return a message with its body, and the last attempts to deliver it."""
    with _unknown_as_not_found():
        return await services.messages.get(merchant, message)


@router.post("/messages/{message}/resend", status_code=status.HTTP_202_ACCEPTED)
async def resend_message(merchant: MerchantId, message: MessageId, services: ServicesDependency) -> MessageView:
    """Send a message again that was accepted or skipped. It keeps its id."""
    with _unknown_as_not_found():
        return await services.messages.resend(merchant, message)


@router.post("/messages:resend", status_code=status.HTTP_202_ACCEPTED)
async def resend_messages(merchant: MerchantId, body: ResendBody, services: ServicesDependency) -> Resent:
    """Send all messages of a time again that were accepted or skipped, in their order. They keep their ids."""
    chosen = MessageFilter(type=body.type, product=body.product, start=body.from_, end=body.to)
    with _unknown_as_not_found():
        return Resent(resent=await services.messages.resend_all(merchant, chosen))


@router.post("/messages/{message}/skip")
async def skip_message(
    merchant: MerchantId, message: MessageId, body: SkipBody, services: ServicesDependency
) -> MessageView:
    """Give up a message that waits: what waits after it is sent. The reason stands in the audit log."""
    with _unknown_as_not_found():
        return await services.messages.skip(merchant, message, body.reason)


@contextmanager
def _unknown_as_not_found() -> Iterator[None]:
    try:
        yield
    except UnknownSubject as error:
        raise ApiError(NOT_FOUND, str(error)) from None
