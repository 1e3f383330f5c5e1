"""The route of the list of drift."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query

from slotsync.domain.messages import Message
from slotsync.store.calendars.drift_records import ListedDrift
from starter.api.cursors import Cursor, Limit, decode_cursor, encode_cursor
from starter.api.documentation import MERCHANT, MerchantId
from starter.api.merchants import require_merchant
from starter.bootstrap import ServicesDependency

router = APIRouter(prefix=MERCHANT, tags=["lists"])

Open = Annotated[bool, Query(alias="open", description="Only what an audit has not found right since.")]


class DriftList(Message):
    """Drift by when it was found; `next` is null after the last one."""

    items: tuple[ListedDrift, ...]
    next: str | None


@router.get("/drift")
async def list_drift(
    merchant: MerchantId,
    services: ServicesDependency,
    limit: Limit = 50,
    after: Cursor = None,
    *,
    only_open: Open = False,
) -> DriftList:
    """List what people did by hand to our events and calendars in Google, and what was done about it."""
    position = decode_cursor(after)
    found = await asyncio.to_thread(services.drift.find, merchant, limit + 1, position, only_open=only_open)
    if not found:
        await require_merchant(services, merchant)
    page = found[:limit]
    last = encode_cursor(page[-1].found_at, page[-1].id) if len(found) > limit else None
    return DriftList(items=tuple(page), next=last)
