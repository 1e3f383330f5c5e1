"""The rendering of pages and refusals as HTML."""

from datetime import timedelta
from functools import cache
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

from slotsync.errors import SlotsyncError
from starter.settings_page.language import Language

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


NO_VISIT = "no_visit"
NOT_BEGUN_HERE = "not_begun_here"
"""Google's answer in a browser without a visit, such as that of somebody who was sent another one's address."""

FORGED_FORM = "forged_form"
MAIL_EXPIRED = "mail_expired"
NOT_NEEDED = "not_needed"
"""A link in an e-mail that has done its work, or that came too late."""

TOO_MANY_LOADS = "too_many_loads"


class PageRefused(SlotsyncError):
    """A request that this browser may not make. ``reason`` selects the text of the page that refuses it.

    It may be made after ``delay``, if there is one.
    """

    def __init__(self, reason: str, delay: timedelta | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.delay = delay
