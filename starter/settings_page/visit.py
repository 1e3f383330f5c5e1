"""One visit: its merchant and language, the form that was sent, and the address to return to."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Final
from urllib.parse import urlencode

from starlette.datastructures import FormData, QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse

from slotsync.domain.audit import Actor, ActorKind
from slotsync.domain.calendars.owner import Owner, OwnerKind, OwnerSettings
from slotsync.store.audit_log import act_as
from starter.bootstrap import Services, get_services
from starter.services.settings_links import Session
from starter.settings_page.language import Language, detect_language
from starter.settings_page.rendering import FORGED_FORM, NO_VISIT, TOO_MANY_LOADS, PageRefused

MAX_SEARCH_LENGTH: Final = 100
MAX_PAGE_DIGITS: Final = 6


def read_value(form: FormData, name: str) -> str:
    """Return the value of a field of the form, or an empty text if it is missing, or a file."""
    value = form.get(name)
    return value if isinstance(value, str) else ""


@dataclass(frozen=True)
class Address:
    """The address of one view of the page.

    ``owner`` is the opened product or resource, ``week`` any day of the week to show, ``notice`` the name of a message.
    ``search`` and ``page`` are those of the list of products and resources.
    """

    owner: str = ""
    week: str = ""
    notice: str = ""
    search: str = ""
    page: int = 1

    @classmethod
    def from_query(cls, query: QueryParams) -> "Address":
        """Return the address with these query parameters."""
        return cls(
            owner=query.get("owner", ""),
            week=query.get("week", ""),
            notice=query.get("notice", ""),
            search=_read_search(query.get("search", "")),
            page=_read_page(query.get("page", "")),
        )

    @property
    def url(self) -> str:
        """The address as a path with its query."""
        anchor = "#opened" if self.owner else ""
        return f"/settings/{self.query}{anchor}" if self.query else "/settings/"

    @property
    def query(self) -> str:
        """The address as a query with its question mark, empty if nothing is in it."""
        query = {name: value for name, value in vars(self).items() if value and (name, value) != ("page", 1)}
        return f"?{urlencode(query)}" if query else ""

    @property
    def in_list(self) -> "Address":
        """This place in the list, with nothing opened."""
        return Address(search=self.search, page=self.page)

    def with_owner(self, owner: object) -> "Address":
        """Return the address that opens this product or resource, in the current week."""
        return replace(self.in_list, owner=str(owner))

    def with_page(self, page: int) -> "Address":
        """Return the address of another page of the list."""
        return replace(self, page=page, notice="")

    def with_week(self, monday: date, weeks: int) -> "Address":
        """Return this address in the week that is this many weeks after the week of ``monday``."""
        return replace(self, week=(monday + timedelta(weeks=weeks)).isoformat(), notice="")

    def find_monday(self, today: date) -> date:
        """Return the Monday of the week to show: of the current week if ``week`` is empty or unreadable."""
        try:
            day = date.fromisoformat(self.week)
            monday = day - timedelta(days=day.weekday())
            return monday if 1970 < monday.year < 2200 else today - timedelta(days=today.weekday())  # noqa: PLR2004
        except (ValueError, OverflowError):
            return today - timedelta(days=today.weekday())


START: Final = Address()
"""The page as it is first shown."""


@dataclass(frozen=True)
class Visit:
    """A request of a merchant who may see the page, with the form that was sent."""

    services: Services
    session: Session
    language: Language
    address: Address
    form: FormData = field(default_factory=FormData)

    @classmethod
    async def from_request(cls, request: Request, *, connecting: bool = False, refreshing: bool = False) -> "Visit":
        """Return the visit of a request that changes nothing; with ``refreshing`` an open page makes it by itself.

        Raises:
            PageRefused: this browser has no visit, or one that may connect only, and this is not ``connecting``; or
                there are too many such requests.
        """
        session = await find_session(request, connecting=connecting, refreshing=refreshing)
        address = Address.from_query(request.query_params)
        return cls(get_services(request), session, detect_language(request), address)

    @classmethod
    async def from_form(cls, request: Request, *, connecting: bool = False) -> "Visit":
        """Return the visit of a request that sends a form.

        Raises:
            PageRefused: this browser has no visit, or the form does not contain the token of this visit, or the visit
                may connect only, and this is not ``connecting``; or there are too many requests.
        """
        visit = replace(await cls.from_request(request, connecting=connecting), form=await request.form())
        if not visit.session.accepts_form(visit.form_value("token")):
            raise PageRefused(FORGED_FORM)
        # What the merchant does now may change what Google says.
        visit.services.google.forget_recent(visit.merchant)
        address = request.client.host if request.client else ""
        act_as(Actor(kind=ActorKind.VISIT, name=visit.session.name, address=address))
        return visit

    @property
    def merchant(self) -> str:
        """The merchant's id."""
        return self.session.merchant

    def form_value(self, name: str) -> str:
        """Return the value of a field of the form, or an empty text if it is missing."""
        return read_value(self.form, name)

    def form_values(self, name: str) -> list[str]:
        """Return all values of a field that may occur several times."""
        return [value for value in self.form.getlist(name) if isinstance(value, str)]

    def find_owner(self, request: Request) -> tuple[Owner, OwnerSettings]:
        """Return the product or resource that the path names, with its settings.

        Raises:
            HTTPException: the merchant has no such product or resource (404).
        """
        owner = read_owner(request.path_params["kind"], request.path_params["id"])
        settings = self.services.owners.get(self.merchant, owner) if owner else None
        if owner is None or settings is None:
            raise HTTPException(404)
        return owner, settings


def read_owner(kind: str, owner_id: str) -> Owner | None:
    """Return the owner that an address names, or None if none can have this kind and this id.

    Ids that today's rules refuse are taken: they may have been stored before. No database stores a NUL.
    """
    if kind not in {*OwnerKind} or "\0" in owner_id:
        return None
    return Owner(kind=OwnerKind(kind), id=owner_id)


async def find_session(request: Request, *, connecting: bool = False, refreshing: bool = False) -> Session:
    """Return the session of this browser, with ``connecting`` also one that may connect only.

    Raises:
        PageRefused: there is none, or it is over, or it has made too many requests.
    """
    services = get_services(request)
    session = services.sessions.read(request)
    if session is None or (session.connects_only and not connecting):
        raise PageRefused(NO_VISIT)
    # Before anything is read; what is over takes nothing of what the merchant's visits may load.
    require_room(services.page_limit.count_visit(session.name, refreshing=refreshing))
    if await asyncio.to_thread(services.sessions.is_over, session):
        raise PageRefused(NO_VISIT)
    require_room(services.page_limit.count_merchant(session.merchant, refreshing=refreshing))
    return session


def require_room(wait: timedelta) -> None:
    """Check that a request need not wait.

    Raises:
        PageRefused: it has to wait for so long: too many were made.
    """
    if wait:
        raise PageRefused(TOO_MANY_LOADS, wait)


async def name_of(services: Services, merchant: str) -> str:
    """Return the merchant's name, or its id if the platform has not said one."""
    details = await asyncio.to_thread(services.merchants.get, merchant)
    return (details and details.name) or merchant


def redirect_after_consent(session: Session, notice: str) -> RedirectResponse:
    """Return a redirect to where this session may see what became of a consent."""
    if session.connects_only:
        return RedirectResponse(f"/google/reconnected?{urlencode({'notice': notice})}", status_code=303)
    return redirect_to_page(notice=notice)


def redirect_to_page(owner: Owner | None = None, notice: str = "", *, place: Address = START) -> RedirectResponse:
    """Return a redirect to the page, for the end of a form; to this place in its list."""
    address = replace(place.in_list, owner=str(owner or ""), notice=notice)
    return RedirectResponse(address.url, status_code=303)


def _read_search(text: str) -> str:
    return "".join(filter(str.isprintable, text)).strip()[:MAX_SEARCH_LENGTH]


def _read_page(text: str) -> int:
    """Return the number of the page, 1 if it cannot be read."""
    return max(int(text), 1) if text.isascii() and text.isdecimal() and len(text) <= MAX_PAGE_DIGITS else 1
