"""Routes of connections, blocking calendars and Google's notifications."""

import asyncio
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
from starter.api.paths import MERCHANT, MerchantId, ProductId
from starter.api.problems import NOT_FOUND, ApiError
from starter.bootstrap import ServicesDependency
from starter.services.blocking_calendars import MOST_PICKED
from starter.services.settings_links import Leads, SettingsLink

router = APIRouter(prefix=MERCHANT, tags=["Google"])

CalendarId = Annotated[str, Field(min_length=1, max_length=1024)]


class ConnectAnswer(Message):
    """Where to send the merchant's browser: through slotsync, which remembers the browser, to Google's consent page."""

    authorization_url: str
    expires_at: datetime


class ConnectionBody(ConnectionView):
    """How the merchant's connection to Google is doing. ``missing`` is what the merchant did not allow."""

    merchant: str


class CalendarsBody(Message):
    """The calendars that the merchant can pick from."""

    items: tuple[PickableCalendar, ...]


class BlockingBody(Message):
    """The ids of all calendars that shall block the product; an empty list unblocks it."""

    calendar_ids: Annotated[tuple[CalendarId, ...], Field(max_length=MOST_PICKED)]


class DisconnectBody(Message):
    """``farewell`` says what was done and left behind; it is empty while that still goes on."""

    farewell: DisconnectionResult | None


@router.post("/google/connect")
async def connect(merchant: MerchantId, services: ServicesDependency) -> ConnectAnswer:
    """A link that takes the merchant to Google's consent page. Good for ten minutes, once."""
    link = services.links.make(merchant, Leads.CONNECT)
    return ConnectAnswer(authorization_url=link.url, expires_at=link.expires_at)


@router.post("/settings-link")
async def settings_link(merchant: MerchantId, services: ServicesDependency) -> SettingsLink:
    """A link to the merchant's settings page. Good for ten minutes, once; the visit then lasts two hours."""
    return services.links.make(merchant, Leads.SETTINGS)


@router.get("/google")
async def connection(merchant: MerchantId, services: ServicesDependency) -> ConnectionBody:
    """How the merchant's connection is doing; a merchant that never had one is disconnected."""
    view = await services.connecting.view(merchant)
    return ConnectionBody(merchant=merchant, **dict(view))


@router.get("/google/calendars")
async def calendars(merchant: MerchantId, services: ServicesDependency) -> CalendarsBody:
    """The merchant's calendars, fresh from Google, without those that cannot block. Show them to nobody else.

    Those that slotsync made cannot, nor those that Google generates (holidays, birthdays).
    """
    return CalendarsBody(items=tuple(await services.picking.pickable(merchant)))


@router.delete("/google", responses={202: {"model": DisconnectBody, "description": "Cleaning up still goes on."}})
async def disconnect(
    merchant: MerchantId,
    services: ServicesDependency,
    response: Response,
    calendars: CalendarChoice = CalendarChoice.KEEP,
) -> DisconnectBody:
    """Disconnects, also with a dead grant; 202 while cleaning up still goes on."""
    farewell = await services.connecting.disconnect(merchant, calendars)
    if farewell is None:
        response.status_code = status.HTTP_202_ACCEPTED
    return DisconnectBody(farewell=farewell)


@router.put("/products/{product}/blocking-calendars")
async def pick(
    merchant: MerchantId, product: ProductId, chosen: BlockingBody, services: ServicesDependency
) -> CalendarsBody:
    """Picks the calendars that block the product, in place of those that did."""
    owner = Owner.product(product)
    if await asyncio.to_thread(services.owners.get, merchant, owner) is None:
        raise ApiError(NOT_FOUND, "The product is not known; put its settings first.")
    return CalendarsBody(items=tuple(await services.picking.pick(merchant, owner, chosen.calendar_ids)))


push_router = APIRouter(include_in_schema=False)

RINGS: Final = frozenset({"exists", "not_exists"})
"""The states that tell of a change; ``sync`` says only that a channel was opened."""

LONGEST_ID: Final = 64
LONGEST_TOKEN: Final = 256


@push_router.post(PUSH_PATH, status_code=204)
async def push(request: Request, services: ServicesDependency) -> Response:
    """Takes what Google tells. Whatever it is, the answer is the same: nobody learns here which channels there are."""
    told = request.headers
    channel_id, token = told.get("X-Goog-Channel-ID", ""), told.get("X-Goog-Channel-Token", "")
    fits = 0 < len(channel_id) <= LONGEST_ID and 0 < len(token) <= LONGEST_TOKEN
    if fits and told.get("X-Goog-Resource-State") in RINGS:
        await asyncio.to_thread(services.push.record_notification, channel_id, token, utc_now())
    return Response(status_code=204)
