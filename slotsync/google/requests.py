"""Send requests to Google: a single one, or a list page by page."""

from collections.abc import Callable, Iterator
from typing import Generic, Protocol, TypedDict, TypeVar

from slotsync.errors import Transient
from slotsync.google.errors import CLIENT_EXCEPTIONS, classify_error

Answer_co = TypeVar("Answer_co", covariant=True)
Item = TypeVar("Item")


class GoogleRequest(Protocol[Answer_co]):
    """A request of the Google client that was not sent yet."""

    def execute(self, http: None = None, num_retries: int = 0) -> Answer_co:
        """Send the request and return Google's answer."""
        ...


class Page(TypedDict, Generic[Item], total=False):
    """One page of a list. It may be empty although more pages follow."""

    items: list[Item]
    nextPageToken: str


def no_heartbeat() -> None:
    """Do nothing: the default heartbeat."""


def execute(request: GoogleRequest[Answer_co], heartbeat: Callable[[], None] = no_heartbeat) -> Answer_co:
    """Call ``heartbeat``, send the request once and return Google's answer. Retries are the caller's decision.

    Raises:
        GoogleError: Google refused the request, could not be reached, or its answer cannot be read.
    """
    answer = _send(request, heartbeat)
    if isinstance(answer, dict):
        return answer
    # Google's client returns what it cannot parse as a string, with any status of success.
    raise Transient("Google's answer cannot be read; it is tried again", reason="unreadable")


def execute_empty(request: GoogleRequest[object], heartbeat: Callable[[], None] = no_heartbeat) -> None:
    """Call ``heartbeat`` and send a request once that Google answers with an empty body.

    Raises:
        GoogleError: Google refused the request or could not be reached.
    """
    _send(request, heartbeat)


def list_items(fetch_page: Callable[[str | None], Page[Item]]) -> Iterator[Item]:
    """Yield the items of all pages. ``fetch_page`` takes the page token, which is None for the first page.

    A page is fetched only when its first item is needed.
    """
    token: str | None = None
    while True:
        page = fetch_page(token)
        yield from page.get("items", [])
        token = page.get("nextPageToken")
        if not token:
            return


def _send(request: GoogleRequest[Answer_co], heartbeat: Callable[[], None]) -> Answer_co:
    heartbeat()
    try:
        return request.execute(num_retries=0)
    except CLIENT_EXCEPTIONS as error:
        # Not chained: the client's own message holds the URL, with the ids of the calendar and the event in it.
        raise classify_error(error) from None
