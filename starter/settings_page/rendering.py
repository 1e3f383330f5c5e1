"""Pages and refusals as HTML."""

import logging
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from slotsync.errors import SlotsyncError
from starter.services.settings_links import LinkTrouble
from starter.settings_page.language import Language, language_of

_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)


@cache
def templates(code: str) -> Environment:
    """The templates in one language."""
    language = Language(code=code)
    environment = Environment(
        loader=PackageLoader("starter.settings_page"),
        extensions=["jinja2.ext.i18n"],
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["ext.i18n.trimmed"] = True
    environment.install_gettext_translations(language.words, newstyle=True)  # type: ignore[attr-defined]  # by the extension
    environment.globals["language"] = language
    return environment


def page(
    template: str, language: Language, *, status: int = 200, leads_to: str = "", **context: object
) -> HTMLResponse:
    """The page of this template. ``leads_to`` is the other site that a form on it may end at.

    Browsers hold a form's redirects against ``form-action`` too.
    """
    text = templates(language.code).get_template(template).render(**context)
    policy = f"{_POLICY}; form-action 'self' {leads_to}".rstrip()
    return HTMLResponse(text, status, {"Content-Security-Policy": policy, "Content-Language": language.code})


logger = logging.getLogger(__name__)

NO_VISIT = "no_visit"
FORGED_FORM = "forged_form"

_STATUS = {NO_VISIT: 401, FORGED_FORM: 403, **{str(trouble): 403 for trouble in LinkTrouble}}


class PageRefused(SlotsyncError):
    """The browser may not do this; ``why`` chooses the words."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


async def refused(request: Request, error: Exception) -> Response:
    """The page that says so, and what to do."""
    assert isinstance(error, PageRefused)
    return page("refused.html", language_of(request), status=_STATUS.get(error.why, 403), why=error.why)


async def invalid(request: Request, _: Exception) -> Response:
    """A form that does not come from our page."""
    return page("refused.html", language_of(request), status=400, why="http_400")


async def not_set_up(request: Request, error: Exception) -> Response:
    """What the operator has to do first."""
    logger.error("%s", error)
    return page("refused.html", language_of(request), status=501, why="not_set_up")


async def http_error(request: Request, error: Exception) -> Response:
    """Addresses that are not there, methods that are not taken, bodies that are too large."""
    assert isinstance(error, HTTPException)
    answer = page("refused.html", language_of(request), status=error.status_code, why=f"http_{error.status_code}")
    answer.headers.update(error.headers or {})
    return answer
