"""One visit: merchant, language, and where a form leads back to."""

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from urllib.parse import urlencode

from starlette.datastructures import FormData, QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse

from slotsync.domain.calendars.owner import Owner, OwnerKind, OwnerSettings
from starter.bootstrap import Services, get_services
from starter.services.settings_links import Session
from starter.settings_page.language import Language, language_of
from starter.settings_page.rendering import FORGED_FORM, NO_VISIT, PageRefused


@dataclass(frozen=True)
class Address:
    """One view of the page: ``owner`` is opened, ``week`` is any day of the week to show, ``said`` names a notice."""

    owner: str = ""
    week: str = ""
    said: str = ""

    @classmethod
    def read(cls, query: QueryParams) -> "Address":
        """The view that these parameters ask for."""
        return cls(owner=query.get("owner", ""), week=query.get("week", ""), said=query.get("said", ""))

    @property
    def text(self) -> str:
        """The address."""
        told = {name: value for name, value in vars(self).items() if value}
        at = "#opened" if self.owner else ""
        return f"/settings/?{urlencode(told)}{at}" if told else "/settings/"

    def opening(self, owner: object) -> "Address":
        """With a product or resource opened."""
        return Address(owner=str(owner))

    def in_week(self, monday: date, weeks: int) -> "Address":
        """So many weeks away from this one."""
        return replace(self, week=(monday + timedelta(weeks=weeks)).isoformat(), said="")

    def monday(self, today: date) -> date:
        """The first day of the week that is asked for; of this week, where nothing readable is."""
        try:
            day = date.fromisoformat(self.week)
            monday = day - timedelta(days=day.weekday())
            return monday if 1970 < monday.year < 2200 else today - timedelta(days=today.weekday())  # noqa: PLR2004
        except (ValueError, OverflowError):
            return today - timedelta(days=today.weekday())


@dataclass(frozen=True)
class Visit:
    """A request of a merchant who may see the page, and what its form says."""

    services: Services
    session: Session
    language: Language
    address: Address
    form: FormData = field(default_factory=FormData)

    @classmethod
    def reading(cls, request: Request) -> "Visit":
        """Someone who looks; a ``PageRefused`` without a visit."""
        services = get_services(request)
        session = services.sessions.of(request)
        if session is None:
            raise PageRefused(NO_VISIT)
        return cls(services, session, language_of(request), Address.read(request.query_params))

    @classmethod
    async def writing(cls, request: Request) -> "Visit":
        """Someone who sent a form of ours; a ``PageRefused`` for a form of anybody else's."""
        looking = cls.reading(request)
        form = await request.form()
        written = cls(looking.services, looking.session, looking.language, looking.address, form)
        if not looking.session.wrote(written.said("token")):
            raise PageRefused(FORGED_FORM)
        return written

    @property
    def merchant(self) -> str:
        """Whose page it is."""
        return self.session.merchant

    def said(self, name: str) -> str:
        """A field of the form; empty when it is missing."""
        value = self.form.get(name)
        return value if isinstance(value, str) else ""

    def said_all(self, name: str) -> list[str]:
        """All values of a field that may be there several times."""
        return [value for value in self.form.getlist(name) if isinstance(value, str)]

    def owner(self, request: Request) -> tuple[Owner, OwnerSettings]:
        """The product or resource that the address names; 404 when the merchant has none such."""
        try:
            owner = Owner(kind=OwnerKind(request.path_params["kind"]), id=request.path_params["id"])
        except ValueError:
            raise HTTPException(404) from None
        settings = self.services.owners.get(self.merchant, owner)
        if settings is None:
            raise HTTPException(404)
        return owner, settings


def back(owner: Owner | None = None, said: str = "", week: str = "") -> RedirectResponse:
    """To the page again, after a form was done."""
    return RedirectResponse(Address(owner=str(owner or ""), said=said, week=week).text, status_code=303)
