"""What a browser is shown instead of the page, when it may not see it or asks for what is not there."""

import logging

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from slotsync.errors import SlotsyncError
from starter.settings_page.language import language_of
from starter.settings_page.links import LinkTrouble
from starter.settings_page.rendering import page

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
