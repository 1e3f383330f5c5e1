"""The pages that refuse a request. Each names the merchant that this browser visits, if there is one."""

import logging
from contextlib import suppress
from math import ceil
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from slotsync.errors import Undecryptable
from starter.bootstrap import get_services
from starter.services.settings_links import LinkProblem
from starter.settings_page.language import address_of, detect_language
from starter.settings_page.rendering import (
    FORGED_FORM,
    NO_VISIT,
    NOT_BEGUN_HERE,
    TOO_MANY_LOADS,
    PageRefused,
    render_page,
)
from starter.settings_page.visit import find_session, name_of

logger = logging.getLogger(__name__)

_STATUS: Final = {
    NO_VISIT: 401,
    NOT_BEGUN_HERE: 401,
    FORGED_FORM: 403,
    TOO_MANY_LOADS: 429,
    **{str(problem): 403 for problem in LinkProblem},
}

_STORED: Final = "stored"
_UNAVAILABLE: Final = "unavailable"

_NAMELESS: Final = frozenset({NO_VISIT, NOT_BEGUN_HERE, TOO_MANY_LOADS, _UNAVAILABLE})
"""Without a visit, or before anything is read, or while nothing can be."""

_RETRY_AFTER: Final = {"Retry-After": "5"}


async def render_refusal(request: Request, error: Exception) -> Response:
    """Return the page that says why a request was refused, and what to do."""
    assert isinstance(error, PageRefused)
    response = await _render(request, error.reason, _STATUS.get(error.reason, 403))
    if error.delay:
        response.headers["Retry-After"] = str(ceil(error.delay.total_seconds()))
    return response


async def render_invalid_form(request: Request, _: Exception) -> Response:
    """Return the page for a form with values that the page does not offer."""
    return await _render(request, "http_400", 400)


async def render_not_set_up(request: Request, error: Exception) -> Response:
    """Log which setting or key is missing, and return the page that says that Google is not set up."""
    logger.error("%s", error)
    return await _render(request, "not_set_up", 501)


async def render_without_temporal(request: Request, error: Exception) -> Response:
    """Return the page for a time in which Temporal does not answer: what a form says is stored before it is asked."""
    logger.warning("Temporal does not answer the settings page: %s", type(error).__name__)
    return await (_render(request, _STORED, 202) if request.method == "POST" else render_unavailable(request, error))


async def render_unavailable(request: Request, error: Exception) -> Response:
    """Return the page for a time in which a part does not answer that is needed for any page."""
    logger.warning("the settings page cannot be shown: %s", type(error).__name__)
    response = await _render(request, _UNAVAILABLE, 503)
    response.headers.update(_RETRY_AFTER)
    return response


async def render_http_error(request: Request, error: Exception) -> Response:
    """Return the page for an unknown address, a method that is not allowed, or a body that is too large."""
    assert isinstance(error, HTTPException)
    response = await _render(request, f"http_{error.status_code}", error.status_code)
    response.headers.update(error.headers or {})
    return response


async def _render(request: Request, reason: str, status: int) -> Response:
    merchant = "" if reason in _NAMELESS else await _find_visited_name(request)
    return render_page(
        "refused.html",
        detect_language(request),
        status=status,
        reason=reason,
        merchant=merchant,
        here=address_of(request),
    )


async def _find_visited_name(request: Request) -> str:
    """Return the name of the merchant that this browser visits, or an empty text."""
    with suppress(PageRefused):
        session = await find_session(request)
        with suppress(Undecryptable):
            return await name_of(get_services(request), session.merchant)
        return session.merchant
    return ""
