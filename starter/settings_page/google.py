"""Connect, change account and disconnect on the settings page."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from slotsync.domain.connections.disconnection import CalendarChoice
from starter.bootstrap import get_services
from starter.services.connections import AnotherAccount, ConsentRefused
from starter.services.settings_links import Leads
from starter.settings_page.home import enter, keeping, show
from starter.settings_page.language import language_of
from starter.settings_page.rendering import NO_VISIT, PageRefused, page
from starter.settings_page.visit import Visit, back


async def follow_connect_link(request: Request) -> Response:
    """To Google's consent page, for whoever brings a link that the platform was given."""
    session = await enter(request, Leads.CONNECT)
    url = await get_services(request).connecting.begin(session.merchant, session.browser)
    return keeping(request, session, RedirectResponse(url, status_code=303))


async def connect(request: Request) -> Response:
    """To Google's consent page, from the settings page."""
    visit = await Visit.writing(request)
    url = await visit.services.connecting.begin(visit.merchant, visit.session.browser)
    return RedirectResponse(url, status_code=303)


async def callback(request: Request) -> Response:
    """What Google sends the browser back with."""
    services = get_services(request)
    session = services.sessions.of(request)
    if session is None:
        raise PageRefused(NO_VISIT)
    told = request.query_params
    result = await services.connecting.complete(
        told.get("state", ""), told.get("code"), session.browser, error=told.get("error", "")
    )
    if isinstance(result, ConsentRefused):
        return back(said=f"refused_{result.reason}")
    if isinstance(result, AnotherAccount):
        return page("another_account.html", language_of(request), change=result, token=session.form_token)
    return back(said="connected_in_part" if result.connection.missing else "connected")


async def choose_account(request: Request) -> Response:
    """What the merchant answered when another account than before was chosen."""
    visit = await Visit.writing(request)
    change, browser = visit.said("change"), visit.session.browser
    if visit.said("decision") == "change":
        changed = await visit.services.connecting.confirm_account_change(change, browser)
        return back(said=f"refused_{changed.reason}" if isinstance(changed, ConsentRefused) else "account_changed")
    refused = await visit.services.connecting.decline_account_change(change, browser)
    return back(said=f"refused_{refused.reason}" if refused else "account_kept")


async def disconnect(request: Request) -> Response:
    """Disconnects, and says what was left behind."""
    visit = await Visit.writing(request)
    wish = CalendarChoice.DELETE if visit.said("calendars") == CalendarChoice.DELETE else CalendarChoice.KEEP
    farewell = await visit.services.connecting.disconnect(visit.merchant, wish)
    return await show(visit, farewell=farewell) if farewell else back(said="disconnecting")
