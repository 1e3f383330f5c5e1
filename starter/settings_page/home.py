"""Open, show and leave the settings page."""

import asyncio
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from slotsync.clock import utc_now
from slotsync.domain.calendars.owner import Owner, OwnerKind, OwnerSettings
from slotsync.domain.connections.connection import ConnectionState
from slotsync.domain.connections.disconnection import DisconnectionResult
from starter.bootstrap import get_services
from starter.services.settings_links import Leads, LinkTrouble, Session
from starter.settings_page.details import Details, details_of
from starter.settings_page.language import COOKIE, LANGUAGES
from starter.settings_page.rendering import PageRefused, page
from starter.settings_page.visit import Visit, back

_YEAR: Final = int(timedelta(days=365).total_seconds())


async def open_link(request: Request) -> Response:
    """Begins the visit of whoever brings a link that the platform was given, and shows the page."""
    return keeping(request, await enter(request, Leads.SETTINGS), back())


async def enter(request: Request, leads: Leads) -> Session:
    """The visit that begins with the request's link; a ``PageRefused`` when the link does not work."""
    links = get_services(request).links
    merchant = await asyncio.to_thread(links.follow, request.query_params.get("link", ""), leads)
    if isinstance(merchant, LinkTrouble):
        raise PageRefused(merchant)
    return Session.begin(merchant)


def keeping(request: Request, session: Session, answer: Response) -> Response:
    """The answer, which tells the browser to remember the visit."""
    get_services(request).sessions.keep(answer, session)
    return answer


async def home(request: Request) -> Response:
    """The settings of the merchant whose visit it is."""
    visit = Visit.reading(request)
    opened = await _opened(visit)
    return await show(visit, opened)


async def choose_language(request: Request) -> Response:
    """The page in the other language, from now on."""
    code = request.path_params["language"]
    answer = RedirectResponse("/settings/", status_code=303)
    if code in LANGUAGES:
        answer.set_cookie(COOKIE, code, max_age=_YEAR, path="/", httponly=True, samesite="lax")
    return answer


async def show(visit: Visit, opened: Details | None = None, farewell: DisconnectionResult | None = None) -> Response:
    """The whole page, as things stand now."""
    connection = await visit.services.connecting.view(visit.merchant)
    owners = await asyncio.to_thread(visit.services.owners.all, visit.merchant)
    last = connection.last_good_call_at
    return page(
        "settings.html",
        visit.language,
        leads_to=_site(visit.services.settings.google.authorize),
        token=visit.session.form_token,
        address=visit.address,
        connection=connection,
        connected=connection.state is ConnectionState.ACTIVE,
        last_answer=utc_now() - last if last else None,
        syncing=await asyncio.to_thread(visit.services.owners.switch_of_all, visit.merchant),
        owners=[(kind, _of_kind(owners, kind)) for kind in OwnerKind],
        opened=opened,
        farewell=farewell,
    )


async def _opened(visit: Visit) -> Details | None:
    kind, _, owner_id = visit.address.owner.partition(":")
    try:
        owner = Owner(kind=OwnerKind(kind), id=owner_id)
    except ValueError:
        return None
    return await details_of(visit, owner)


def _site(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _of_kind(owners: dict[Owner, OwnerSettings], kind: OwnerKind) -> list[tuple[Owner, OwnerSettings]]:
    chosen = [(owner, settings) for owner, settings in owners.items() if owner.kind is kind]
    return sorted(chosen, key=lambda each: (each[1].name.casefold(), each[0].id))
