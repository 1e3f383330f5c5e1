"""The route of conflicts: bookings at times when their product is busy."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query

from slotsync.domain.messages import Identifier, Message
from slotsync.store.reservations.conflicts import Conflict, Conflicts
from starter.api.cursors import Cursor, Limit, decode_cursor, encode_cursor
from starter.api.documentation import MERCHANT, MerchantId
from starter.api.merchants import require_merchant
from starter.bootstrap import ServicesDependency

router = APIRouter(prefix=MERCHANT, tags=["lists"])

Open = Annotated[bool, Query(alias="open", description="Only what is not over.")]
OfProduct = Annotated[Identifier | None, Query(alias="product", description="Only what is about this product.")]


class ConflictList(Message):
    """Conflicts by when they were found; `next` is null after the last one."""

    items: tuple[Conflict, ...]
    next: str | None


@router.get("/conflicts")
async def list_conflicts(  # noqa: PLR0913  each is a parameter of the query
    merchant: MerchantId,
    services: ServicesDependency,
    limit: Limit = 50,
    after: Cursor = None,
    product: OfProduct = None,
    *,
    only_open: Open = False,
) -> ConflictList:
    """List the items of reservations at times when their product is busy, and those that were, until either moved."""
    position = decode_cursor(after)
    conflicts = Conflicts(services.store)
    found = await asyncio.to_thread(conflicts.find, merchant, limit + 1, position, product=product, only_open=only_open)
    if not found:
        await require_merchant(services, merchant)
    page = found[:limit]
    last = encode_cursor(page[-1].found_at, page[-1].id) if len(found) > limit else None
    return ConflictList(items=tuple(page), next=last)
