"""The forms of the settings page: what merchants change."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import Final
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from slotsync.clock import utc_now
from slotsync.domain.calendars.choices import Chooser
from slotsync.domain.calendars.owner import GuestData, Owner, OwnerChanges
from slotsync.domain.connections.connection import can_write
from slotsync.domain.connections.disconnection import CalendarChoice
from slotsync.errors import GoogleError, InputError
from slotsync.grant_ends import GrantEnd
from starter.services.consent_results import ConsentRefused
from starter.settings_page.details import PrivacyCheck, load_details
from starter.settings_page.home import render_settings
from starter.settings_page.rendering import render_page
from starter.settings_page.visit import Visit, name_of, redirect_after_consent, redirect_to_page

_NOT_CONNECTED: Final = {
    GrantEnd.ENDED: "not_connected",
    GrantEnd.SHARED: "not_connected_shared",
    GrantEnd.LATER: "not_connected_later",
}


async def connect(request: Request) -> Response:
    """Redirect to Google's consent page."""
    visit = await Visit.from_form(request)
    url = await visit.services.connections.begin(visit.merchant, visit.session.browser)
    return RedirectResponse(url, status_code=303)


async def choose_account(request: Request) -> Response:
    """Connect the account that was chosen in Google, or end its grant, as the merchant has decided."""
    visit = await Visit.from_form(request, connecting=True)
    return redirect_after_consent(visit.session, await _decide_on_account(visit))


async def sign_out(request: Request) -> Response:
    """End the visit in this browser, and for all that have copied its cookie."""
    visit = await Visit.from_form(request)
    await asyncio.to_thread(visit.services.sessions.end, visit.session)
    merchant = await name_of(visit.services, visit.merchant)
    response = render_page("signed_out.html", visit.language, merchant=merchant)
    visit.services.sessions.forget(response)
    return response


async def disconnect(request: Request) -> Response:
    """Disconnect, and show the result if it is known in time."""
    visit = await Visit.from_form(request)
    choice = CalendarChoice.DELETE if visit.form_value("calendars") == CalendarChoice.DELETE else CalendarChoice.KEEP
    result = await visit.services.connections.disconnect(visit.merchant, choice)
    return await render_settings(visit, disconnection=result) if result else redirect_to_page(notice="disconnecting")


async def switch_all(request: Request) -> Response:
    """Turn synchronization on or off for the whole merchant."""
    visit = await Visit.from_form(request)
    await _switch(visit, None)
    notice = await _name_switched(visit, paused="paused")
    return redirect_to_page(notice=notice, place=visit.address)


async def switch(request: Request) -> Response:
    """Turn synchronization on or off for one product or resource."""
    visit = await Visit.from_form(request)
    owner, _ = await asyncio.to_thread(visit.find_owner, request)
    await _switch(visit, owner)
    return redirect_to_page(owner, await _name_switched(visit, paused="turned_off"), place=visit.address)


async def choose_guest_data(request: Request) -> Response:
    """Change how much of guests' data events contain."""
    visit = await Visit.from_form(request)
    return await _change_settings(visit, request, {"guest_data": GuestData(visit.form_value("guest_data"))})


async def choose_on_unknown(request: Request) -> Response:
    """Change how times that could not be read are treated."""
    visit = await Visit.from_form(request)
    choice = visit.form_value("on_unknown")
    policy = f"last_known:{visit.form_value('hours').strip()}" if choice == "last_known" else choice
    return await _change_settings(visit, request, {"on_unknown": policy})


async def pick(request: Request) -> Response:
    """Change which calendars block the product."""
    visit = await Visit.from_form(request)
    owner, _ = await asyncio.to_thread(visit.find_owner, request)
    try:
        await visit.services.blocking_calendars.pick(visit.merchant, owner, visit.form_values("calendar"))
    except InputError:
        return redirect_to_page(owner, "not_picked", place=visit.address)
    except GoogleError:
        return redirect_to_page(owner, "google_unavailable", place=visit.address)
    return redirect_to_page(owner, "picked" if visit.form_values("calendar") else "none_picked", place=visit.address)


async def check_privacy(request: Request) -> Response:
    """Check, with the merchant's own grant, what Google discloses of a picked calendar, and show it."""
    visit = await Visit.from_form(request)
    owner, settings = await asyncio.to_thread(visit.find_owner, request)
    visit = replace(visit, address=visit.address.with_owner(owner))
    calendar_id = visit.form_value("calendar")
    if calendar_id not in {
        each.id for each in await visit.services.blocking_calendars.list_picked(visit.merchant, owner)
    }:
        return redirect_to_page(owner, "not_picked", place=visit.address)
    now = utc_now().astimezone(ZoneInfo(settings.time_zone))
    with suppress(GoogleError):
        disclosure = await visit.services.google.call(
            visit.merchant, lambda mine: visit.services.previews.check_disclosure(mine, calendar_id, now)
        )
        return await render_settings(
            visit, await load_details(visit, owner, PrivacyCheck(calendar_id, disclosure, now))
        )
    return redirect_to_page(owner, "google_unavailable", place=visit.address)


async def _decide_on_account(visit: Visit) -> str:
    """Connect the chosen account, or end its grant, and return the name of the notice about it."""
    code, session = visit.form_value("code"), visit.session
    if visit.form_value("decision") != "connect":
        declined = await visit.services.connections.decline(code, session.browser)
        return f"refused_{declined.reason}" if isinstance(declined, ConsentRefused) else _NOT_CONNECTED[declined]
    result = await visit.services.connections.confirm(code, session.browser)
    if isinstance(result, ConsentRefused):
        return f"refused_{result.reason}"
    return "connected_in_part" if result.connection.missing else "connected"


async def _switch(visit: Visit, owner: Owner | None) -> None:
    if visit.form_value("sync") == "on":
        await visit.services.slotsync.turn_on(visit.merchant, owner, chooser=Chooser.MERCHANT)
    else:
        remove = visit.form_value("remove") == "yes"
        await visit.services.slotsync.turn_off(visit.merchant, owner, remove_events=remove, chooser=Chooser.MERCHANT)


async def _name_switched(visit: Visit, *, paused: str) -> str:
    """Return the name of the notice about a switch; ``paused`` is that of turning off without removing entries."""
    connection = await visit.services.connections.view(visit.merchant)
    synced = await asyncio.to_thread(visit.services.merchants.is_synced, visit.merchant)
    if visit.form_value("sync") == "on":
        return "turned_on" if synced and can_write(connection) else "saved"
    if not can_write(connection):
        return "saved"
    return "removing" if visit.form_value("remove") == "yes" else paused


async def _change_settings(visit: Visit, request: Request, changes: dict[str, object]) -> Response:
    owner, _ = await asyncio.to_thread(visit.find_owner, request)
    changed = OwnerChanges.model_validate(changes)
    await visit.services.slotsync.put_owner(visit.merchant, owner, changed, chooser=Chooser.MERCHANT)
    return redirect_to_page(owner, "saved", place=visit.address)
