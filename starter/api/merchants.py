"""Routes of merchants."""

import asyncio
from datetime import datetime
from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request

from slotsync.domain.calendars.owner import OwnerDefaults
from slotsync.domain.connections.connection import ConnectionState, MissingScope
from slotsync.domain.merchant import MerchantDetails
from slotsync.domain.messages import Message
from slotsync.store.connections.connection_views import MerchantConnection
from starter.api.cursors import Limit
from starter.api.documentation import MERCHANT, MerchantId
from starter.api.key_gate import presented_key
from starter.api.middleware import PROTECTED
from starter.api.owners import UnknownPolicy
from starter.api.problems import NOT_FOUND, ApiError
from starter.bootstrap import Services, ServicesDependency

router = APIRouter(tags=["merchants"])

UNKNOWN_MERCHANT: Final = "The merchant is not known; put it first."

After = Annotated[str, Query(max_length=200, pattern=r"^[^\x00]*$", description="`next` of the answer before.")]
"""The id after which a page begins. PostgreSQL stores no NUL, and does not compare with one."""


class DefaultsBody(OwnerDefaults):
    """Settings that new products and resources have unless they are put with others.

    One that is left out keeps its value, and null stands for slotsync's own default. Products and resources that are
    there do not change.
    """

    on_unknown: UnknownPolicy | None = None


class MerchantBody(MerchantDetails):
    """Details of a merchant. A detail that is left out keeps its value, and null removes it.

    `name` is shown to people who connect an account; `language` is the first one that they see. slotsync has words in
    `en` and `fi`; another one is kept, and not shown. Their
    browsers go back from Google to `return_url`, instead of `SLOTSYNC_RETURN_URL`. Notices to the merchant are sent to
    `email`, with the picture at `logo_url`. `defaults` are for products and resources that are created afterwards.
    `on_drift` says what is done about our events that people change by hand in Google: `repair` (default), `report`, or
    `ask`. What the merchant has chosen itself on the settings page stays; with `override` it is changed all the same,
    and the merchant sees that on the page.
    """

    defaults: DefaultsBody | None = None
    override: bool = False


class MerchantAnswer(MerchantDetails):
    """All details of a merchant. What is null in `defaults` is slotsync's own default.

    `chosen` names the details that the merchant has chosen itself, `overridden` those that you have changed since.
    """

    merchant: str
    defaults: OwnerDefaults
    chosen: tuple[str, ...]
    overridden: tuple[str, ...]


class MerchantLine(Message):
    """A merchant, and the state of its connection to Google.

    `reason` is why Google refuses the grant, `missing` what the merchant did not allow; `remedy` says who has to do
    what, and is empty if nobody has to.
    """

    merchant: str
    name: str | None
    state: ConnectionState
    since: datetime | None
    reason: str | None
    missing: tuple[MissingScope, ...]
    remedy: str


class MerchantList(Message):
    """Merchants in the order of ids; `next` is null after the last ones."""

    items: tuple[MerchantLine, ...]
    next: str | None


@router.get(f"{PROTECTED}/merchants")
async def list_merchants(
    request: Request, services: ServicesDependency, limit: Limit = 50, after: After = "", *, attention: bool = False
) -> MerchantList:
    """List the key's merchants; with `attention` only those with a connection that needs somebody."""
    prefix = presented_key(request).merchants
    listing = partial(services.connection_views.list_merchants, limit + 1, after, prefix, attention=attention)
    found = await asyncio.to_thread(listing)
    page = found[:limit]
    return MerchantList(items=tuple(map(_line, page)), next=page[-1].merchant if len(found) > limit else None)


def _line(each: MerchantConnection) -> MerchantLine:
    view = each.view
    reason = view.last_error if view.state is ConnectionState.REVOKED else None
    return MerchantLine(
        merchant=each.merchant,
        name=each.name,
        state=view.state,
        since=view.since,
        reason=reason,
        missing=view.missing,
        remedy=each.remedy,
    )


async def require_merchant(services: Services, merchant: str) -> None:
    """Raise unless the merchant is known: a list of nothing is no answer for one that is not.

    Raises:
        ApiError: it is not known.
    """
    if await asyncio.to_thread(services.merchants.get, merchant) is None:
        raise ApiError(NOT_FOUND, UNKNOWN_MERCHANT)


@router.put(MERCHANT)
async def put_merchant(merchant: MerchantId, body: MerchantBody, services: ServicesDependency) -> MerchantAnswer:
    """Create a merchant, or change what is known of it; return what that is."""
    await asyncio.to_thread(services.merchants.put, merchant, body, override=body.override)
    return await get_merchant(merchant, services)


@router.get(MERCHANT)
async def get_merchant(merchant: MerchantId, services: ServicesDependency) -> MerchantAnswer:
    """Return what is known of a merchant."""
    found = await asyncio.to_thread(services.merchants.get_choices, merchant)
    if found is None:
        raise ApiError(NOT_FOUND, UNKNOWN_MERCHANT)
    return MerchantAnswer.model_construct(
        merchant=merchant,
        **dict(found.details),
        chosen=tuple(sorted(found.chosen)),
        overridden=tuple(sorted(found.overridden)),
    )
