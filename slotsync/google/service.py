"""Google service objects: one for each thread and connection, never shared."""

import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import httplib2
from google_auth_httplib2 import AuthorizedHttp  # type: ignore[import-untyped]  # ships no types
from googleapiclient.discovery import build
from typing_extensions import override

from slotsync.clock import utc_now
from slotsync.google.auth.tokens import AccessTokens, ConnectionCredentials, GrantStore
from slotsync.settings import Settings

if TYPE_CHECKING:
    from googleapiclient._apis.calendar.v3 import CalendarResource

GOOGLE_TIMEOUT = timedelta(seconds=10)
"""Longest wait for Google's answer to one call."""

MAX_SERVICES_PER_THREAD = 16
"""Services that a thread keeps, each with an open connection to Google. One takes about 0.4 MB and 5 ms to build."""

MAX_IDLE_TIME = timedelta(seconds=30)
"""Longest time that a connection to Google is kept without a call. Google closes it after minutes, a proxy in between
perhaps earlier, and the next call on it would fail: httplib2 notices only after it has sent something."""


CallLimit = Callable[[str], None]
"""Called with the connection before each call to Google; may raise ``CallLimitReached``."""


def no_limit(_: str) -> None:
    """Limit nothing: the workers' calls are limited by Temporal."""


class LimitedHttp(httplib2.Http):
    """An HTTP client that asks before each request whether it may be sent."""

    def __init__(self, before_request: Callable[[], None], timeout: timedelta) -> None:
        super().__init__(timeout=timeout.total_seconds())
        self._before_request = before_request

    @override
    def request(self, *args: Any, **kwargs: Any) -> Any:
        self._before_request()
        return super().request(*args, **kwargs)


class CalendarService:
    """The Calendar API for one connection and one thread. Its resources are built once: each takes 2 ms."""

    def __init__(
        self, connection_id: str, tokens: AccessTokens, endpoint: str, timeout: timedelta, limit: CallLimit = no_limit
    ) -> None:
        self.credentials = ConnectionCredentials(connection_id, tokens)
        self._used_at: datetime | None = None
        self._http = LimitedHttp(partial(limit, connection_id), timeout)
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
        """Return the methods on events."""
        return self.resource.events()

    @cached_property
    def calendars(self) -> "CalendarResource.CalendarsResource":
        """Return the methods on calendars."""
        return self.resource.calendars()

    @cached_property
    def calendar_list(self) -> "CalendarResource.CalendarListResource":
        """Return the methods on the account's list of calendars."""
        return self.resource.calendarList()

    @cached_property
    def channels(self) -> "CalendarResource.ChannelsResource":
        """Return the method that stops a channel; the one that opens it belongs to the watched resource."""
        return self.resource.channels()

    @cached_property
    def freebusy(self) -> "CalendarResource.FreebusyResource":
        """Return the method that reads busy times."""
        return self.resource.freebusy()

    def prepare(self, now: datetime) -> None:
        """Load the stored token, and close a connection to Google that was idle for longer than ``MAX_IDLE_TIME``.

        Raises:
            GrantLost: The connection has no valid grant.
        """
        if self._used_at and now - self._used_at > MAX_IDLE_TIME:
            self.close()
        self._used_at = now
        self.credentials.load_stored_token()

    def close(self) -> None:
        """Close the connection to Google; the next call opens another one."""
        self._http.close()


class ThreadServices:
    """The services that one thread used last, at most one for each connection."""

    def __init__(self, build: Callable[[str], CalendarService], max_services: int) -> None:
        self._build = build
        self._max_services = max_services
        self._services: OrderedDict[str, CalendarService] = OrderedDict()

    def get(self, connection_id: str) -> CalendarService:
        """Return the connection's service, which is built on its first use."""
        service = self._services.pop(connection_id, None) or self._build(connection_id)
        self._services[connection_id] = service
        while len(self._services) > self._max_services:
            self._services.popitem(last=False)[1].close()
        return service

    def close(self) -> None:
        """Close all services."""
        while self._services:
            self._services.popitem()[1].close()

    def __del__(self) -> None:
        self.close()  # the thread has ended


class GoogleServices:
    """Google services, each for one thread and one connection: httplib2 gives answers to the wrong caller if shared."""

    def __init__(  # noqa: PLR0913  what tests and processes choose
        self,
        settings: Settings,
        grants: GrantStore,
        *,
        timeout: timedelta = GOOGLE_TIMEOUT,
        max_services_per_thread: int = MAX_SERVICES_PER_THREAD,
        limit: CallLimit = no_limit,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._tokens = AccessTokens(settings, grants, clock)
        self._endpoint = settings.google.api
        self._timeout = timeout
        self._max_services = max_services_per_thread
        self._limit = limit
        self._clock = clock
        self._local = threading.local()
        self._threads: weakref.WeakSet[ThreadServices] = weakref.WeakSet()

    def calendar(self, connection_id: str) -> CalendarService:
        """Return the Calendar API for this connection and the calling thread alone. Call it again for each operation.

        Raises:
            GrantLost: The connection has no valid grant.
        """
        service = self._thread_services().get(connection_id)
        service.prepare(self._clock())
        return service

    def close(self) -> None:
        """Close all connections to Google. No thread may be in a call."""
        for services in list(self._threads):
            services.close()

    def _thread_services(self) -> ThreadServices:
        services: ThreadServices | None = getattr(self._local, "services", None)
        if services is None:
            services = self._local.services = ThreadServices(self._build, self._max_services)
            self._threads.add(services)
        return services

    def _build(self, connection_id: str) -> CalendarService:
        return CalendarService(connection_id, self._tokens, self._endpoint, self._timeout, self._limit)
