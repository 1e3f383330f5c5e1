"""What merchants choose for products and resources."""

import asyncio
from contextlib import suppress

from starlette.requests import Request
from starlette.responses import Response

from slotsync.clock import utc_now
from slotsync.domain.calendars.owner import GuestData, Owner, OwnerSettings
from slotsync.errors import GoogleError, InputError
from starter.settings_page.details import PrivacyResult, details_of
from starter.settings_page.home import show
from starter.settings_page.visit import Visit, back


async def switch_all(request: Request) -> Response:
    """Turns synchronization on or off for the whole merchant."""
    visit = await Visit.writing(request)
    await _switch(visit, None)
    return back(said="switched")


async def switch(request: Request) -> Response:
    """Turns synchronization on or off for one product or resource."""
    visit = await Visit.writing(request)
    owner, _ = await asyncio.to_thread(visit.owner, request)
    await _switch(visit, owner)
    return back(owner, said="switched")


async def choose_guest_data(request: Request) -> Response:
    """Changes what events tell of guests."""
    visit = await Visit.writing(request)
    return await _change(visit, request, {"guest_data": GuestData(visit.said("guest_data"))})


async def choose_on_unknown(request: Request) -> Response:
    """Changes what becomes of times that nobody could read."""
    visit = await Visit.writing(request)
    choice = visit.said("on_unknown")
    wish = f"last_known:{visit.said('hours').strip()}" if choice == "last_known" else choice
    return await _change(visit, request, {"on_unknown": wish})


async def pick(request: Request) -> Response:
    """Changes which calendars block the product."""
    visit = await Visit.writing(request)
    owner, _ = await asyncio.to_thread(visit.owner, request)
    try:
        await visit.services.picking.pick(visit.merchant, owner, visit.said_all("calendar"))
    except InputError:
        return back(owner, said="not_picked")
    except GoogleError:
        return back(owner, said="google_silent")
    return back(owner, said="picked")


async def check_privacy(request: Request) -> Response:
    """Asks Google, with the merchant's own grant, what it gives away of a picked calendar."""
    visit = await Visit.writing(request)
    owner, _ = await asyncio.to_thread(visit.owner, request)
    chosen = visit.said("calendar")
    if chosen not in {each.id for each in await visit.services.picking.picked(visit.merchant, owner)}:
        return back(owner, said="not_picked")
    now = utc_now()
    with suppress(GoogleError):
        given = await visit.services.google.ask(
            visit.merchant, lambda mine: visit.services.looks.given_away(mine, chosen, now)
        )
        return await show(visit, await details_of(visit, owner, PrivacyResult(chosen, given, now)))
    return back(owner, said="google_silent")


async def _switch(visit: Visit, owner: Owner | None) -> None:
    if visit.said("sync") == "on":
        await visit.services.slotsync.turn_on(visit.merchant, owner)
    else:
        remove = visit.said("remove") == "yes"
        await visit.services.slotsync.turn_off(visit.merchant, owner, remove_events=remove)


async def _change(visit: Visit, request: Request, wish: dict[str, object]) -> Response:
    owner, settings = await asyncio.to_thread(visit.owner, request)
    changed = OwnerSettings.model_validate(settings.model_dump() | wish)
    await visit.services.slotsync.put_owner(visit.merchant, owner, changed)
    return back(owner, said="saved")
