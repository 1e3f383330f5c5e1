"""Google service objects: one for each thread and connection, never shared; and one call on them."""

import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Protocol, TypeVar

import httplib2
from google_auth_httplib2 import AuthorizedHttp  # type: ignore[import-untyped]  # ships no types
from googleapiclient.discovery import build

from slotsync.clock import utc_now
from slotsync.errors import Transient
from slotsync.google.auth.tokens import AccessTokens, ConnectionCredentials, GrantStore
from slotsync.google.errors import FAILURES, classify
from slotsync.settings import Settings

if TYPE_CHECKING:
    from googleapiclient._apis.calendar.v3 import CalendarResource

Answer_co = TypeVar("Answer_co", covariant=True)


class GoogleRequest(Protocol[Answer_co]):
    """A request of the Google client that was not sent yet."""

    def execute(self, http: None = None, num_retries: int = 0) -> Answer_co:
        """Google's answer."""
        ...


def ask(call: GoogleRequest[Answer_co]) -> Answer_co:
    """Google's answer, or a ``GoogleError``. Sent once: whoever asked decides about another time."""
    answer = _send(call)
    if isinstance(answer, dict):
        return answer
    # Google's client hands over what it cannot read as a string, with whatever status of success it came.
    raise Transient("Google's answer cannot be read; it is tried again", reason="unreadable")


def order(call: GoogleRequest[object]) -> None:
    """Done, for a call that Google answers with nothing; or a ``GoogleError``."""
    _send(call)


def _send(call: GoogleRequest[Answer_co]) -> Answer_co:
    try:
        return call.execute(num_retries=0)
    except FAILURES as error:
        # Not chained: the client's own message holds the URL, with the ids of the calendar and the event in it.
        raise classify(error) from None


TIMEOUT = timedelta(seconds=10)
KEPT_PER_THREAD = 16
"""Services that a thread keeps, with their connection to Google open. One takes about 0.4 MB and 5 ms to build."""

IDLE = timedelta(seconds=30)
"""How long a connection to Google may lie idle. Google ends it after minutes, what lies between perhaps earlier, and
the next call on it would fail: httplib2 does not notice before it has sent something."""


class CalendarService:
    """The Calendar API as one connection, for one thread. Its parts are built once: each takes 2 ms."""

    def __init__(self, connection_id: str, tokens: AccessTokens, endpoint: str, timeout: timedelta) -> None:
        self.credentials = ConnectionCredentials(connection_id, tokens)
        self._used_at: datetime | None = None
        self._http = httplib2.Http(timeout=timeout.total_seconds())
        self.resource: CalendarResource = build(
            "calendar",
            "v3",
            http=AuthorizedHttp(self.credentials, http=self._http),
            client_options={"api_endpoint": endpoint},
            static_discovery=True,
            cache_discovery=False,
        )

    @cached_property
    def events(self) -> "CalendarResource.EventsResource":
        """The methods on events."""
        return self.resource.events()

    @cached_property
    def calendars(self) -> "CalendarResource.CalendarsResource":
        """The methods on calendars."""
        return self.resource.calendars()

    @cached_property
    def calendar_list(self) -> "CalendarResource.CalendarListResource":
        """The methods on the list of calendars."""
        return self.resource.calendarList()

    @cached_property
    def channels(self) -> "CalendarResource.ChannelsResource":
        """The method that ends a channel; what is watched has the one that opens it."""
        return self.resource.channels()

    @cached_property
    def freebusy(self) -> "CalendarResource.FreebusyResource":
        """The method that tells busy times."""
        return self.resource.freebusy()

    def prepare(self, now: datetime) -> None:
        """Takes the newest token, and makes sure that the next call does not meet a connection that was ended."""
        if self._used_at and now - self._used_at > IDLE:
            self.close()
        self._used_at = now
        self.credentials.look_up()

    def close(self) -> None:
        """Closes its connection to Google; the next call opens another one."""
        self._http.close()


class ThreadServices:
    """The services that one thread used last, one for each connection."""

    def __init__(self, make: Callable[[str], CalendarService], kept: int) -> None:
        self._make = make
        self._kept = kept
        self._services: OrderedDict[str, CalendarService] = OrderedDict()

    def of(self, connection_id: str) -> CalendarService:
        """The service of this connection, built on its first use."""
        service = self._services.pop(connection_id, None) or self._make(connection_id)
        self._services[connection_id] = service
        while len(self._services) > self._kept:
            self._services.popitem(last=False)[1].close()
        return service

    def close(self) -> None:
        """Closes all of them."""
        while self._services:
            self._services.popitem()[1].close()

    def __del__(self) -> None:
        self.close()  # its thread has ended


class GoogleServices:
    """Google services, each for one thread and one connection: httplib2 would hand answers to the wrong caller."""

    def __init__(
        self,
        settings: Settings,
        grants: GrantStore,
        *,
        timeout: timedelta = TIMEOUT,
        kept_per_thread: int = KEPT_PER_THREAD,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._tokens = AccessTokens(settings, grants, clock)
        self._endpoint = settings.google.api
        self._timeout = timeout
        self._kept = kept_per_thread
        self._clock = clock
        self._local = threading.local()
        self._threads: weakref.WeakSet[ThreadServices] = weakref.WeakSet()

    def calendar(self, connection_id: str) -> CalendarService:
        """The Calendar API as this connection, for the calling thread alone. Ask anew for each operation."""
        service = self._of_this_thread().of(connection_id)
        service.prepare(self._clock())
        return service

    def close(self) -> None:
        """Closes all connections to Google; no thread may be in a call."""
        for services in list(self._threads):
            services.close()

    def _of_this_thread(self) -> ThreadServices:
        services: ThreadServices | None = getattr(self._local, "services", None)
        if services is None:
            services = self._local.services = ThreadServices(self._build, self._kept)
            self._threads.add(services)
        return services

    def _build(self, connection_id: str) -> CalendarService:
        return CalendarService(connection_id, self._tokens, self._endpoint, self._timeout)
