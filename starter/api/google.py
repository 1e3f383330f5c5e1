"""Routes of Google connections, blocking calendars and Google's push notifications."""

import asyncio
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Request, Response, status
from pydantic import Field

from slotsync.clock import utc_now
from slotsync.domain.availability.blocking import PickableCalendar
from slotsync.domain.calendars.owner import Owner
from slotsync.domain.connections.connection import ConnectionView
from slotsync.domain.connections.disconnection import CalendarChoice, DisconnectionResult
from slotsync.domain.messages import Message
from slotsync.google.channels import PUSH_PATH
from starter.api.documentation import MERCHANT, MerchantId, ProductId
from starter.api.key_gate import may_see_ids, may_see_names
from starter.api.problems import NOT_FOUND, ApiError
from starter.bootstrap import Services, ServicesDependency
from starter.services.blocking_calendars import MAX_PICKED_CALENDARS
from starter.services.settings_links import LinkTarget, SettingsLink

router = APIRouter(prefix=MERCHANT, tags=["Google"])
push_router = APIRouter(include_in_schema=False)

OPENED_STATE: Final = "sync"
"""The value of X-Goog-Resource-State that says that a channel was opened."""

CHANGE_STATES: Final = frozenset({"exists", "not_exists"})
"""The values of X-Goog-Resource-State that report a change."""

MAX_CHANNEL_ID_LENGTH: Final = 64
MAX_CHANNEL_TOKEN_LENGTH: Final = 256

CalendarId = Annotated[str, Field(min_length=1, max_length=1024)]


class ConnectAnswer(Message):
    """The address to send the merchant's browser to. slotsync remembers the browser and redirects it to Google.

    `known` is false if nothing of this merchant was put or reported yet: it is new, or its id is mistyped.
    """

    authorization_url: str
    expires_at: datetime
    known: bool


class ConnectionBody(ConnectionView):
    """The state of the merchant's connection to Google. ``missing`` lists what the merchant did not allow.

    `known` is false if nothing is stored of this merchant: it is new, or its id is mistyped.
    """

    merchant: str
    known: bool


class CalendarsBody(Message):
    """The calendars that the merchant can pick from."""

    items: tuple[PickableCalendar, ...]


class PickedCalendar(Message):
    """A calendar that blocks a product.

    Its name is null for a key without the role `connect`, its id for one that has neither that nor `manage`.
    """

    id: str | None
    name: str | None
    primary: bool


class PickedBody(Message):
    """The calendars that block the product."""

    items: tuple[PickedCalendar, ...]


class BlockingBody(Message):
    """The ids of all calendars that block the product from now on; an empty list unblocks it."""

    calendar_ids: Annotated[tuple[CalendarId, ...], Field(max_length=MAX_PICKED_CALENDARS)]


class DisconnectBody(Message):
    """The result of the disconnection, which is null until the clean-up has ended."""

    farewell: DisconnectionResult | None  # public name: a JSON field of the answer


@router.post("/google/connect")
async def connect(merchant: MerchantId, services: ServicesDependency) -> ConnectAnswer:
    """Create a link that takes the merchant to Google's consent page. It works once, within ten minutes.

    A merchant may connect before anything else is put of it; `known` is false then.
    """
    link = await asyncio.to_thread(services.settings_links.create, merchant, LinkTarget.CONNECT)
    known = await _is_known(services, merchant)
    return ConnectAnswer(authorization_url=link.url, expires_at=link.expires_at, known=known)


class CompleteBody(Message):
    """The code that the merchant's browser brought back to the platform."""

    code: Annotated[str, Field(min_length=1, max_length=200)]


@router.post("/google/complete")
async def complete(merchant: MerchantId, body: CompleteBody, services: ServicesDependency) -> ConnectionBody:
    """Connect the account that the merchant has just allowed, and return the state of the connection.

    Only if this merchant is logged in at the platform in the browser that came back with the code. The code works once,
    within ten minutes.
    """
    connected = await services.connections.complete_for_platform(merchant, body.code)
    return ConnectionBody(merchant=merchant, known=True, **dict(connected.connection))


@router.post("/settings-link")
async def settings_link(merchant: MerchantId, services: ServicesDependency) -> SettingsLink:
    """Create a link to the merchant's settings page.

    It works once, within ten minutes. The visit that it begins lasts two hours.
    """
    if not await _is_known(services, merchant):
        raise ApiError(NOT_FOUND, "The merchant is not known; put it, or one of its products, first.")
    return await asyncio.to_thread(services.settings_links.create, merchant, LinkTarget.SETTINGS)


@router.get("/google")
async def connection(merchant: MerchantId, services: ServicesDependency) -> ConnectionBody:
    """Return the state of the merchant's connection. A merchant that never had one is disconnected."""
    view = await services.connections.view(merchant)
    return ConnectionBody(merchant=merchant, known=await _is_known(services, merchant), **dict(view))


@router.get("/google/calendars")
async def calendars(merchant: MerchantId, services: ServicesDependency) -> CalendarsBody:
    """List the merchant's calendars that can block a product, read from Google now. Show them to this merchant only.

    Calendars that slotsync created cannot block, nor can calendars that Google generates (holidays, birthdays).
    """
    return CalendarsBody(items=tuple(await services.blocking_calendars.list_pickable(merchant)))


@router.delete("/google", responses={202: {"model": DisconnectBody, "description": "The clean-up continues."}})
async def disconnect(
    merchant: MerchantId,
    services: ServicesDependency,
    response: Response,
    calendars: CalendarChoice = CalendarChoice.KEEP,
) -> DisconnectBody:
    """Disconnect the merchant, even if its grant is no longer valid. The status is 202 while the clean-up continues.

    The calendars that were picked to block products are forgotten: `unblocked` names these products, which are then
    sold without a look at the merchant's appointments. All visits of the merchant's settings page end, and links to it
    that were made before do not work any more.
    """
    await asyncio.to_thread(services.merchants.end_visits, merchant)
    result = await services.connections.disconnect(merchant, calendars)
    if result is None:
        response.status_code = status.HTTP_202_ACCEPTED
    return DisconnectBody(farewell=result)  # public name: a JSON field


@router.get("/products/{product}/blocking-calendars")
async def picked(
    merchant: MerchantId, product: ProductId, services: ServicesDependency, request: Request
) -> PickedBody:
    """Return the calendars that block the product. Show them to this merchant only."""
    owner = Owner.product(product)
    await _require_product(services, merchant, owner)
    return _picked_body(request, await services.blocking_calendars.list_picked(merchant, owner))


@router.put("/products/{product}/blocking-calendars")
async def pick(
    merchant: MerchantId, product: ProductId, body: BlockingBody, services: ServicesDependency, request: Request
) -> PickedBody:
    """Replace the calendars that block the product."""
    owner = Owner.product(product)
    await _require_product(services, merchant, owner)
    return _picked_body(request, await services.blocking_calendars.pick(merchant, owner, body.calendar_ids))


def _picked_body(request: Request, found: Iterable[PickableCalendar]) -> PickedBody:
    """Return the calendars as far as the request's key may see them."""
    ids, names = may_see_ids(request), may_see_names(request)
    return PickedBody(
        items=tuple(
            PickedCalendar(id=each.id if ids else None, name=each.name if names else None, primary=each.primary)
            for each in found
        )
    )


async def _is_known(services: Services, merchant: str) -> bool:
    return await asyncio.to_thread(services.merchants.get, merchant) is not None


async def _require_product(services: Services, merchant: str, owner: Owner) -> None:
    if await asyncio.to_thread(services.owners.get, merchant, owner) is None:
        raise ApiError(NOT_FOUND, "The product is not known; put its settings first.")


@push_router.post(PUSH_PATH, status_code=204)
async def push(request: Request, services: ServicesDependency) -> Response:
    """Record a push notification of Google. The answer is always 204, so that nobody can probe for channels."""
    headers = request.headers
    channel_id, token = headers.get("X-Goog-Channel-ID", ""), headers.get("X-Goog-Channel-Token", "")
    well_formed = 0 < len(channel_id) <= MAX_CHANNEL_ID_LENGTH and 0 < len(token) <= MAX_CHANNEL_TOKEN_LENGTH
    state = headers.get("X-Goog-Resource-State")
    if well_formed and state in CHANGE_STATES | {OPENED_STATE}:
        record, opened = services.push_channels.record_notification, state == OPENED_STATE
        await asyncio.to_thread(record, channel_id, token, utc_now(), opened=opened)
    return Response(status_code=204)
