"""Links of the platform: shown first, and used by a button, since programs look at links that nobody has followed."""

import asyncio
from contextlib import suppress

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from slotsync.mail.reconnect_links import ExpiredLink, RefusedGrantLink
from slotsync.store.visits import Visits
from slotsync.translations import LANGUAGES
from starter.bootstrap import get_services
from starter.services.settings_links import LinkProblem, LinkTarget, Session
from starter.settings_page.language import Language, detect_language, is_chosen, remember_language
from starter.settings_page.rendering import (
    FORGED_FORM,
    MAIL_EXPIRED,
    NOT_NEEDED,
    PageRefused,
    extract_site,
    render_page,
)
from starter.settings_page.visit import Address, find_session, name_of, read_value, redirect_to_page, require_room


async def show_settings_link(request: Request) -> Response:
    """Show where a link to the settings leads."""
    return await _show(request, LinkTarget.SETTINGS)


async def show_connect_link(request: Request) -> Response:
    """Show where a link to Google's consent page leads."""
    return await _show(request, LinkTarget.CONNECT)


async def use_settings_link(request: Request) -> Response:
    """Begin a visit, and redirect to the page."""
    return await _begin_visit(request, await _redeem(request, LinkTarget.SETTINGS), redirect_to_page())


async def use_connect_link(request: Request) -> Response:
    """Begin a visit, and redirect to Google's consent page."""
    session = await _redeem(request, LinkTarget.CONNECT)
    url = await get_services(request).connections.begin(session.merchant, session.browser)
    return await _begin_visit(request, session, RedirectResponse(url, status_code=303))


async def show_reconnect_link(request: Request) -> Response:
    """Show where a link in an e-mail leads."""
    link = request.query_params.get("link", "")
    content = await _read_reconnect_link(request, link)
    return await _show_button(request, content.merchant, link, "reconnect")


async def use_reconnect_link(request: Request) -> Response:
    """Redirect to Google's consent page; a visit that begins with this link sees nothing of the merchant."""
    services, form = get_services(request), await _get_opening_form(request)
    content = await _read_reconnect_link(request, read_value(form, "link"))
    merchant = content.merchant
    living = await asyncio.to_thread(services.sessions.find, request)
    if living and not living.connects_only and living.merchant == merchant:
        return RedirectResponse(await services.connections.begin(merchant, living.browser), status_code=303)
    session = Session.begin(merchant, content.made_at, connects_only=True)
    url = await services.connections.begin(merchant, session.browser, name_account=False)
    return await _begin_visit(request, session, RedirectResponse(url, status_code=303))


async def show_reconnected(request: Request) -> Response:
    """Show what has become of a consent that began with a link in an e-mail. The address says it."""
    services, session = get_services(request), None
    with suppress(PageRefused):
        session = await find_session(request, connecting=True)
    return render_page(
        "reconnected.html",
        detect_language(request),
        merchant=await name_of(services, session.merchant) if session else "",
        address=Address.from_query(request.query_params),
        disconnection=None,
    )


async def _read_reconnect_link(request: Request, link: str) -> RefusedGrantLink:
    """Return the content of a link in an e-mail.

    Raises:
        PageRefused: slotsync has not made it, or too long ago, or before the merchant's visits were ended, or there is
            nothing to connect again; or it is opened too often.
    """
    services = get_services(request)
    content = services.reconnect_links.read(link)
    if content is None:
        raise PageRefused(LinkProblem.FORGED)
    if isinstance(content, ExpiredLink):
        raise PageRefused(MAIL_EXPIRED)
    require_room(services.page_limit.count_link(content.merchant, f"{content.grant_number}:{content.made_at}"))
    if not await asyncio.to_thread(services.connections.is_refused, content.merchant, content.grant_number):
        raise PageRefused(NOT_NEEDED)
    if await asyncio.to_thread(Visits(services.store).are_ended, content.merchant, content.made_at):
        raise PageRefused(LinkProblem.ENDED)
    return content


async def _show(request: Request, target: LinkTarget) -> Response:
    services, link = get_services(request), request.query_params.get("link", "")
    content = await asyncio.to_thread(services.settings_links.look, link, target)
    if isinstance(content, LinkProblem):
        raise PageRefused(content)
    require_room(services.page_limit.count_link(content.merchant, content.once))
    return await _show_button(request, content.merchant, link, target.name.lower())


async def _show_button(request: Request, merchant: str, link: str, leads_to: str) -> Response:
    """Return the page with the button that uses the link."""
    services = get_services(request)
    living = await asyncio.to_thread(services.sessions.find, request)
    other = living.merchant if living and living.merchant != merchant else None
    cookies = Response()
    token = services.sessions.begin_opening(cookies)
    page = render_page(
        "open_link.html",
        await _choose_language(request, merchant),
        form_redirect_site=extract_site(services.settings.google.authorize),
        link=link,
        token=token,
        path=request.url.path,
        leads_to=leads_to,
        merchant=await name_of(services, merchant),
        other=await name_of(services, other) if other else "",
    )
    page.raw_headers += [header for header in cookies.raw_headers if header[0] == b"set-cookie"]
    return page


async def _redeem(request: Request, target: LinkTarget) -> Session:
    """Use the link in the form, and return the session that begins with it.

    Raises:
        PageRefused: the form is not one that this browser was shown, or the link does not work.
    """
    services, form = get_services(request), await _get_opening_form(request)
    content = await asyncio.to_thread(services.settings_links.redeem, read_value(form, "link"), target)
    if isinstance(content, LinkProblem):
        raise PageRefused(content)
    return Session.begin(content.merchant, content.made_at)


async def _choose_language(request: Request, merchant: str) -> Language:
    """Return the language that was chosen in this browser, else the merchant's, else the browser's."""
    language = await _find_merchants_language(request, merchant)
    return Language(code=language) if language else detect_language(request)


async def _find_merchants_language(request: Request, merchant: str) -> str | None:
    """Return the merchant's language, or None if there is none, or another one was chosen in this browser."""
    details = await asyncio.to_thread(get_services(request).merchants.get, merchant)
    known = details is not None and details.language in LANGUAGES and not is_chosen(request)
    return details.language if details and known else None


async def _get_opening_form(request: Request) -> FormData:
    """Return the form that was sent.

    Raises:
        PageRefused: it is not one that this browser was shown.
    """
    form = await request.form()
    if not get_services(request).sessions.accepts_opening(request, read_value(form, "token")):
        raise PageRefused(FORGED_FORM)
    return form


async def _begin_visit(request: Request, session: Session, response: Response) -> Response:
    """Begin the visit, and end a former one of this browser; set the merchant's language unless one was chosen here.

    Raises:
        PageRefused: the merchant's visits were ended since the link was made.
    """
    services = get_services(request)
    if former := await asyncio.to_thread(services.sessions.find, request):
        await asyncio.to_thread(services.sessions.end, former)
    if not await asyncio.to_thread(services.sessions.begin, response, session):
        raise PageRefused(LinkProblem.ENDED)
    if language := await _find_merchants_language(request, session.merchant):
        remember_language(response, language)
    return response
