"""Links of the platform: shown first, and used by a button, since programs look at links that nobody has followed."""

import asyncio

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from starter.bootstrap import get_services
from starter.services.settings_links import LinkProblem, LinkTarget, Session
from starter.settings_page.language import LANGUAGES, detect_language, is_chosen, remember_language
from starter.settings_page.rendering import FORGED_FORM, PageRefused, extract_site, render_page
from starter.settings_page.visit import name_of, redirect_to_page


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


async def _show(request: Request, target: LinkTarget) -> Response:
    services, link = get_services(request), request.query_params.get("link", "")
    merchant = await asyncio.to_thread(services.settings_links.look, link, target)
    if isinstance(merchant, LinkProblem):
        raise PageRefused(merchant)
    living = services.sessions.find(request)
    other = living.merchant if living and living.merchant != merchant else None
    cookies = Response()
    token = services.sessions.begin_opening(cookies)
    page = render_page(
        "open_link.html",
        detect_language(request),
        form_redirect_site=extract_site(services.settings.google.authorize),
        link=link,
        token=token,
        path=f"/{target}",
        connects=target is LinkTarget.CONNECT,
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
    services, form = get_services(request), await request.form()
    if not services.sessions.accepts_opening(request, _text(form, "token")):
        raise PageRefused(FORGED_FORM)
    merchant = await asyncio.to_thread(services.settings_links.redeem, _text(form, "link"), target)
    if isinstance(merchant, LinkProblem):
        raise PageRefused(merchant)
    return Session.begin(merchant)


async def _begin_visit(request: Request, session: Session, response: Response) -> Response:
    """Set the session's cookie, and the merchant's language unless this browser has another one."""
    services = get_services(request)
    services.sessions.save(response, session)
    details = await asyncio.to_thread(services.merchants.get, session.merchant)
    if details and details.language in LANGUAGES and not is_chosen(request):
        remember_language(response, details.language)
    return response


def _text(form: FormData, name: str) -> str:
    value = form.get(name)
    return value if isinstance(value, str) else ""
