"""Whose page it is: every route of the settings page begins here."""

from dataclasses import dataclass, field

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse

from slotsync.rules.owner import Owner, OwnerKind, OwnerSettings
from starter.api.backend import Backend, backend_of
from starter.settings_page.address import Address
from starter.settings_page.language import Language, language_of
from starter.settings_page.refusals import FORGED_FORM, NO_VISIT, PageRefused
from starter.settings_page.session import Session


@dataclass(frozen=True)
class Visit:
    """A request of a merchant who may see the page, and what its form says."""

    behind: Backend
    session: Session
    language: Language
    address: Address
    form: FormData = field(default_factory=FormData)

    @classmethod
    def reading(cls, request: Request) -> "Visit":
        """Someone who looks; a ``PageRefused`` without a visit."""
        behind = backend_of(request)
        session = behind.sessions.of(request)
        if session is None:
            raise PageRefused(NO_VISIT)
        return cls(behind, session, language_of(request), Address.read(request.query_params))

    @classmethod
    async def writing(cls, request: Request) -> "Visit":
        """Someone who sent a form of ours; a ``PageRefused`` for a form of anybody else's."""
        looking = cls.reading(request)
        form = await request.form()
        written = cls(looking.behind, looking.session, looking.language, looking.address, form)
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
        settings = self.behind.owners.get(self.merchant, owner)
        if settings is None:
            raise HTTPException(404)
        return owner, settings


def back(owner: Owner | None = None, said: str = "", week: str = "") -> RedirectResponse:
    """To the page again, after a form was done."""
    return RedirectResponse(Address(owner=str(owner or ""), said=said, week=week).text, status_code=303)
