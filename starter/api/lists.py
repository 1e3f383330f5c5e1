"""Routes of lists: reservations, products and resources."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query

from slotsync.domain.calendars.owner import Owner, OwnerKind, OwnerSettings
from slotsync.domain.messages import Identifier, Message, UtcTime
from slotsync.domain.reservations.event import SyncState
from slotsync.domain.reservations.reservation_filter import ReservationFilter
from starter.api.cursors import Cursor, Limit, decode_cursor, encode_cursor
from starter.api.documentation import MERCHANT, MerchantId
from starter.api.merchants import After, require_merchant
from starter.api.owners import UnknownPolicy
from starter.bootstrap import Services, ServicesDependency
from starter.services.status import ReservationLine

router = APIRouter(prefix=MERCHANT, tags=["lists"])

From = Annotated[UtcTime | None, Query(alias="from", description="Only what ends after this time.")]
To = Annotated[UtcTime | None, Query(description="Only what begins before this time.")]
ChangedSince = Annotated[UtcTime | None, Query(description="Only what was reported at this time or later.")]
ProductFilter = Annotated[Identifier | None, Query(description="Only what has, or had, an event of this product.")]
StateFilter = Annotated[SyncState | None, Query(description="Only what has an event in this state.")]
Attention = Annotated[bool, Query(description="Only what is not in step, and does not become so by itself.")]


class ReservationList(Message):
    """Reservations by when they were last reported; `next` is null after the last ones."""

    items: tuple[ReservationLine, ...]
    next: str | None


class OwnerLine(OwnerSettings):
    """A product or resource by its id, with its settings."""

    id: str
    on_unknown: UnknownPolicy


class OwnerList(Message):
    """Products or resources in the order of ids; `next` is null after the last ones."""

    items: tuple[OwnerLine, ...]
    next: str | None


@router.get("/reservations")
async def list_reservations(  # noqa: PLR0913, PLR0917  each is a parameter of the query
    merchant: MerchantId,
    services: ServicesDependency,
    limit: Limit = 50,
    after: Cursor = None,
    state: StateFilter = None,
    product: ProductFilter = None,
    start: From = None,
    to: To = None,
    changed_since: ChangedSince = None,
    *,
    attention: Attention = False,
) -> ReservationList:
    """List reservations with their sync status. One that is reported anew meanwhile comes again; none is missed."""
    chosen = ReservationFilter(
        state=state, product=product, start=start, end=to, changed_since=changed_since, attention=attention
    )
    found = await services.slotsync.reservations(merchant, chosen, limit + 1, decode_cursor(after))
    if not found:
        await require_merchant(services, merchant)
    page = found[:limit]
    return ReservationList(items=tuple(page), next=_next(page[-1]) if len(found) > limit else None)


@router.get("/products")
async def list_products(
    merchant: MerchantId, services: ServicesDependency, limit: Limit = 50, after: After = ""
) -> OwnerList:
    """List the merchant's products with their settings."""
    return await _list_owners(services, merchant, OwnerKind.PRODUCT, limit, after)


@router.get("/resources")
async def list_resources(
    merchant: MerchantId, services: ServicesDependency, limit: Limit = 50, after: After = ""
) -> OwnerList:
    """List the merchant's resources with their settings."""
    return await _list_owners(services, merchant, OwnerKind.RESOURCE, limit, after)


async def _list_owners(services: Services, merchant: str, kind: OwnerKind, limit: int, after: str) -> OwnerList:
    found = await asyncio.to_thread(services.owners.list_kind, merchant, kind, limit + 1, after)
    if not found:
        await require_merchant(services, merchant)
    page = [_owner_line(*each) for each in found[:limit]]
    return OwnerList(items=tuple(page), next=page[-1].id if len(found) > limit else None)


def _owner_line(owner: Owner, settings: OwnerSettings) -> OwnerLine:
    return OwnerLine.model_construct(id=owner.id, **settings.model_dump())


def _next(last: ReservationLine) -> str:
    return encode_cursor(last.changed_at, last.reservation)
