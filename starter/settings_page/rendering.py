"""The rendering of pages and refusals as HTML."""

import logging
from datetime import timedelta
from functools import cache
from math import ceil
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from slotsync.errors import SlotsyncError
from starter.services.settings_links import LinkProblem
from starter.settings_page.language import Language, detect_language

_CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)


@cache
def load_templates(code: str) -> Environment:
    """Return the templates in one language."""
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
    environment.install_gettext_translations(language.translations, newstyle=True)  # type: ignore[attr-defined]  # by the extension
    environment.globals["language"] = language
    return environment


def render_page(
    template: str, language: Language, *, status: int = 200, form_redirect_site: str = "", **context: object
) -> HTMLResponse:
    """Return the page of this template.

    ``form_redirect_site`` is the other site that a form on the page may be redirected to: browsers check the redirects
    of forms against ``form-action``, too.
    """
    text = load_templates(language.code).get_template(template).render(**context)
    policy = f"{_CONTENT_SECURITY_POLICY}; form-action 'self' {form_redirect_site}".rstrip()
    return HTMLResponse(text, status, {"Content-Security-Policy": policy, "Content-Language": language.code})


def extract_site(url: str) -> str:
    """Return the site of an address, as in ``form_redirect_site``."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


logger = logging.getLogger(__name__)

NO_VISIT = "no_visit"
FORGED_FORM = "forged_form"
MAIL_EXPIRED = "mail_expired"
NOT_NEEDED = "not_needed"
"""A link in an e-mail that has done its work, or that came too late."""

TOO_MANY_LOADS = "too_many_loads"

_STATUS = {NO_VISIT: 401, FORGED_FORM: 403, TOO_MANY_LOADS: 429, **{str(problem): 403 for problem in LinkProblem}}


class PageRefused(SlotsyncError):
    """A request that this browser may not make. ``reason`` selects the text of the page that refuses it.

    It may be made after ``delay``, if there is one.
    """

    def __init__(self, reason: str, delay: timedelta | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.delay = delay


async def render_refusal(request: Request, error: Exception) -> Response:
    """Return the page that says why a request was refused, and what to do."""
    assert isinstance(error, PageRefused)
    status = _STATUS.get(error.reason, 403)
    response = render_page("refused.html", detect_language(request), status=status, reason=error.reason)
    if error.delay:
        response.headers["Retry-After"] = str(ceil(error.delay.total_seconds()))
    return response


async def render_invalid_form(request: Request, _: Exception) -> Response:
    """Return the page for a form with values that the page does not offer."""
    return render_page("refused.html", detect_language(request), status=400, reason="http_400")


async def render_not_set_up(request: Request, error: Exception) -> Response:
    """Log which setting or key is missing, and return the page that says that Google is not set up."""
    logger.error("%s", error)
    return render_page("refused.html", detect_language(request), status=501, reason="not_set_up")


async def render_http_error(request: Request, error: Exception) -> Response:
    """Return the page for an unknown address, or a method that is not allowed."""
    assert isinstance(error, HTTPException)
    reason = f"http_{error.status_code}"
    response = render_page("refused.html", detect_language(request), status=error.status_code, reason=reason)
    response.headers.update(error.headers or {})
    return response
