"""The settings page: shown, and returned to from Google."""

import asyncio
from dataclasses import replace
from typing import Final
from urllib.parse import urlencode, urlsplit, urlunsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from slotsync.clock import utc_now
from slotsync.domain.connections.connection import (
    ConnectionState,
    ConnectionView,
    can_list_calendars,
    can_read_busy_times,
    can_write,
)
from slotsync.domain.connections.disconnection import DisconnectionResult
from slotsync.domain.connections.refused_grants import find_helper
from slotsync.translations import LANGUAGES
from starter.bootstrap import get_services
from starter.services.consent_results import ConsentRefused, RefusalReason
from starter.services.settings_links import Session
from starter.settings_page.changes import load_changes
from starter.settings_page.details import Details, load_details, load_progress, load_work
from starter.settings_page.drift import load_asked
from starter.settings_page.language import detect_language, read_address, remember_language
from starter.settings_page.owner_list import load_owner_list
from starter.settings_page.rendering import NO_VISIT, NOT_BEGUN_HERE, PageRefused, extract_site, render_page
from starter.settings_page.visit import Visit, find_session, name_of, read_owner, redirect_after_consent

MAX_CHANGES_SHOWN: Final = 5
"""The last changes, on the page itself; all of them have a page of their own."""


async def complete_consent(request: Request) -> Response:
    """Complete the consent with the parameters that Google sends the browser back with.

    Raises:
        PageRefused: this browser has no visit, so it cannot have begun; or it has made too many requests.
    """
    services, session = get_services(request), await _find_beginner(request)
    query = request.query_params
    state = query.get("state", "")
    result = await services.connections.complete(
        state,
        query.get("code"),
        session.browser,
        error=query.get("error", ""),
        same_account=session.connects_only,
    )
    if isinstance(result, ConsentRefused) and result.reason is RefusalReason.UNKNOWN:
        # The page that asks is loaded again, as a phone does that has dropped it.
        result = await asyncio.to_thread(services.open_questions.find, state, session.browser) or result
    if isinstance(result, ConsentRefused):
        return_url = await asyncio.to_thread(services.connections.get_return_url, session.merchant)
        return _return_refusal(return_url, session, result)
    if result.return_url:
        return _go_back(result.return_url, merchant=result.merchant, code=result.code)
    return render_page(
        "confirm_account.html",
        detect_language(request),
        given=result,
        active=(await services.connections.view(result.merchant)).state is ConnectionState.ACTIVE,
        here=f"{request.url.path}?{urlencode({'state': state})}",
        merchant=await name_of(services, result.merchant),
        token=session.form_token,
    )


async def _find_beginner(request: Request) -> Session:
    """Return the session of the browser that comes back from Google."""
    try:
        return await find_session(request, connecting=True)
    except PageRefused as refused:
        if refused.reason == NO_VISIT:
            raise PageRefused(NOT_BEGUN_HERE) from refused
        raise


def _return_refusal(return_url: str, session: Session, refused: ConsentRefused) -> Response:
    if return_url:
        return _go_back(return_url, merchant=session.merchant, error=refused.reason)
    return redirect_after_consent(session, f"refused_{refused.reason}")


def _go_back(url: str, **query: str) -> RedirectResponse:
    """Return a redirect to the platform, with these parameters besides its own."""
    parts = urlsplit(url)
    return RedirectResponse(
        urlunsplit(parts._replace(query="&".join(filter(None, [parts.query, urlencode(query)])))), status_code=303
    )


async def home(request: Request) -> Response:
    """Show the settings of the visit's merchant, and the product or resource that the address opens."""
    visit = await Visit.from_request(request)
    return await render_settings(visit, await _load_opened(visit))


async def choose_language(request: Request) -> Response:
    """Remember the chosen language in a cookie, and redirect to the page on which it was chosen."""
    code = request.path_params["language"]
    response = RedirectResponse(read_address(request.query_params.get("to", "")), status_code=303)
    if code in LANGUAGES:
        remember_language(response, code)
    return response


async def render_settings(
    visit: Visit, opened: Details | None = None, disconnection: DisconnectionResult | None = None
) -> Response:
    """Render the whole page with the current state, and with the result of a disconnection that has just ended."""
    connection = await visit.services.connections.view(visit.merchant)
    last_call_at = connection.last_good_call_at
    return render_page(
        "settings.html",
        visit.language,
        form_redirect_site=extract_site(visit.services.settings.google.authorize),
        token=visit.session.form_token,
        merchant=await name_of(visit.services, visit.merchant),
        address=visit.address,
        here=replace(visit.address, notice="").url,
        connection=connection,
        writable=can_write(connection),
        listable=can_list_calendars(connection),
        readable=can_read_busy_times(connection),
        helper=find_helper(connection.last_error, forgotten=connection.forgotten),
        connected=connection.state is ConnectionState.ACTIVE,
        left=_is_left(connection),
        last_answer_age=utc_now() - last_call_at if last_call_at else None,
        sync_on=await asyncio.to_thread(visit.services.merchants.is_synced, visit.merchant),
        sync_overridden=await asyncio.to_thread(visit.services.merchants.is_overridden, visit.merchant),
        on_drift_overridden=await _is_on_drift_overridden(visit),
        work=await load_work(visit),
        finished=False,
        owners=await load_owner_list(visit),
        switching=await visit.services.slotsync.switch_progress(visit.merchant),
        opened=opened,
        asked=await load_asked(visit),
        disconnection=disconnection,
        changes=await load_changes(visit, MAX_CHANGES_SHOWN),
    )


async def show_work(request: Request) -> Response:
    """Show how many entries of the merchant are in Google: an open page asks every few seconds."""
    visit = await Visit.from_request(request, refreshing=True)
    work = await load_work(visit)
    return render_page("work.html", visit.language, work=work, finished=not work.pending and not work.blocked)


async def show_progress(request: Request) -> Response:
    """Show how many entries of a product or resource are in Google: an open page asks every few seconds."""
    visit = await Visit.from_request(request, refreshing=True)
    owner, _ = await asyncio.to_thread(visit.find_owner, request)
    connection = await visit.services.connections.view(visit.merchant)
    return render_page(
        "progress.html",
        visit.language,
        opened=await load_progress(visit, owner),
        connection=connection,
        connected=connection.state is ConnectionState.ACTIVE,
        left=_is_left(connection),
        sync_on=await asyncio.to_thread(visit.services.merchants.is_synced, visit.merchant),
    )


async def show_switch_progress(request: Request) -> Response:
    """Show how many products and resources know that everything was paused or resumed."""
    visit = await Visit.from_request(request, refreshing=True)
    return render_page(
        "switching.html",
        visit.language,
        switching=await visit.services.slotsync.switch_progress(visit.merchant),
        sync_on=await asyncio.to_thread(visit.services.merchants.is_synced, visit.merchant),
    )


def _is_left(connection: ConnectionView) -> bool:
    """Return whether there is no connection, not even a refused one: entries in Google are as they were left."""
    return connection.state in {ConnectionState.DISCONNECTED, ConnectionState.PENDING}


async def _is_on_drift_overridden(visit: Visit) -> bool:
    choices = await asyncio.to_thread(visit.services.merchants.get_choices, visit.merchant)
    return choices is not None and "on_drift" in choices.overridden


async def _load_opened(visit: Visit) -> Details | None:
    kind, _, owner_id = visit.address.owner.partition(":")
    owner = read_owner(kind, owner_id)
    return await load_details(visit, owner) if owner else None
