"""Pages from templates, in the merchant's language, with headers that keep them harmless."""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

from starter.settings_page.language import Language

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
