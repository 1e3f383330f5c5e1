"""Render pages from templates, with the security headers that all pages have."""

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

_TEMPLATES = Environment(
    loader=PackageLoader("localgoogle.pages"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
# Pages load nothing from elsewhere. Style attributes are allowed: they hold the place of an event, which no stylesheet
# can know.
_POLICY = (
    "default-src 'none'; style-src 'self'; style-src-attr 'unsafe-inline'; script-src 'self'; connect-src 'self'; "
    "img-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def render_page(template: str, *, status: int = 200, leaves_site: bool = False, **context: object) -> HTMLResponse:
    """Return the page of this template.

    ``leaves_site`` is true if the page has a form that ends at another site. Browsers check the redirects of a form
    against ``form-action``, too, and the consent page ends at the app.
    """
    text = _TEMPLATES.get_template(template).render(**context)
    policy = _POLICY if leaves_site else f"{_POLICY}; form-action 'self'"
    return HTMLResponse(text, status, _HEADERS | {"Content-Security-Policy": policy})
