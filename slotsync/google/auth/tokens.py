"""Refresh access tokens: once for all threads and processes."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import uuid4

import httplib2
from google.auth import credentials as google_auth
from google.auth.transport import Request
from google.oauth2.credentials import Credentials
from google_auth_httplib2 import Request as HttpRequest  # type: ignore[import-untyped]  # ships no types

from slotsync.clock import utc_now
from slotsync.google.errors import CLIENT_EXCEPTIONS, classify_error
from slotsync.settings import GoogleClient, Settings

TOKEN_TIMEOUT = timedelta(seconds=10)

MIN_TOKEN_LIFETIME = timedelta(minutes=5)
"""An access token that expires sooner is refreshed; google-auth itself requires 3 min 45 s."""

REFRESH_LEASE_DURATION = timedelta(seconds=20)
"""Longest time that one process alone may refresh a token: longer than Google may take, shorter than an activity's
heartbeat timeout. A process that dies during the refresh delays the others for no longer than this."""

REFRESH_POLL_INTERVAL = timedelta(milliseconds=50)
"""Delay between two reads of a token that another process refreshes, which takes it about 0.2 s."""


class StoredGrant(Protocol):
    """A merchant's grant: its number, the refresh token, and the newest access token with its timezone-aware expiry."""

    @property
    def number(self) -> int: ...  # noqa: D102
    @property
    def refresh_token(self) -> str: ...  # noqa: D102
    @property
    def access_token(self) -> str | None: ...  # noqa: D102
    @property
    def expires_at(self) -> datetime | None: ...  # noqa: D102


class GrantStore(Protocol):
    """The store of grants."""

    def grant(self, connection_id: str) -> StoredGrant:
        """Return the connection's grant.

        Raises:
            GrantLost: The connection has no valid grant.
        """
        ...

    def save_access_token(self, connection_id: str, token: str, expires_at: datetime, grant_number: int) -> None:
        """Store the newest access token for all threads and processes, unless there is another grant by now."""
        ...

    def acquire_lease(self, connection_id: str, holder: str, duration: timedelta) -> bool:
        """Return whether this holder alone, of all processes, may refresh the token now."""
        ...

    def release_lease(self, connection_id: str, holder: str) -> None:
        """Allow the next holder to refresh."""
        ...


@dataclass(frozen=True, repr=False)
class AccessToken:
    """A token and its timezone-aware expiry. It has no repr, so that it cannot be logged by accident."""

    token: str
    expires_at: datetime


class AccessTokens:
    """The access tokens of all connections."""

    def __init__(self, settings: Settings, grants: GrantStore, clock: Callable[[], datetime]) -> None:
        self._client = settings.require_google_client()
        self._token_uri = settings.google.token
        self._grants = grants
        self._clock = clock
        self._locks: dict[str, threading.Lock] = {}

    def get_stored(self, connection_id: str) -> AccessToken | None:
        """Return the stored token, or None if there is none or it expires in less than ``MIN_TOKEN_LIFETIME``.

        Raises:
            GrantLost: The connection has no valid grant.
        """
        return _stored_token(self._grants.grant(connection_id), self._clock())

    def refresh(self, connection_id: str, refused: str | None, request: Request) -> AccessToken:
        """Return a valid token other than the ``refused`` one. Many threads and processes share one refresh.

        Raises:
            GrantLost: The connection has no valid grant.
            RefreshError: Google gave no token (google-auth's own error).
        """
        with self._locks.setdefault(connection_id, threading.Lock()):
            while True:
                stored = self.get_stored(connection_id)
                if stored and stored.token != refused:
                    return stored
                with self._lease(connection_id) as acquired:
                    if acquired:
                        return self._refresh_with_lease(connection_id, refused, request)
                time.sleep(REFRESH_POLL_INTERVAL.total_seconds())

    def _refresh_with_lease(self, connection_id: str, refused: str | None, request: Request) -> AccessToken:
        """Return a valid token. The stored one is read once more: the last lease holder may have refreshed it."""
        grant = self._grants.grant(connection_id)
        stored = _stored_token(grant, self._clock())
        if stored and stored.token != refused:
            return stored
        fresh = self._request_token(grant.refresh_token, request)
        # With the number: a merchant who has connected again must not get a token of the earlier grant.
        self._grants.save_access_token(connection_id, fresh.token, fresh.expires_at, grant.number)
        self._grants.grant(connection_id)  # none, once the merchant has disconnected
        return fresh

    @contextmanager
    def _lease(self, connection_id: str) -> Iterator[bool]:
        holder = str(uuid4())
        acquired = self._grants.acquire_lease(connection_id, holder, REFRESH_LEASE_DURATION)
        try:
            yield acquired
        finally:
            if acquired:
                self._grants.release_lease(connection_id, holder)

    def _request_token(self, refresh_token: str, request: Request) -> AccessToken:
        return _request_token(self._client, self._token_uri, refresh_token, request, self._clock())


def request_token(settings: Settings, refresh_token: str) -> AccessToken:
    """Return a new access token from Google, for a grant that no connection uses now.

    Raises:
        GrantLost: Google refuses the grant.
        GoogleError: Google gave no token for another reason.
    """
    http = httplib2.Http(timeout=TOKEN_TIMEOUT.total_seconds())
    client, token_uri = settings.require_google_client(), settings.google.token
    try:
        return _request_token(client, token_uri, refresh_token, HttpRequest(http), utc_now())
    except CLIENT_EXCEPTIONS as error:
        raise classify_error(error) from None
    finally:
        http.close()


def _request_token(
    client: GoogleClient, token_uri: str, refresh_token: str, request: Request, now: datetime
) -> AccessToken:
    """Return a new access token from Google. No scopes are passed: Google refuses one that was not granted."""
    credentials = Credentials(  # type: ignore[no-untyped-call]  # google-auth is typed in part
        None,
        refresh_token=refresh_token,
        token_uri=token_uri,
        client_id=client.id,
        client_secret=client.secret.get_secret_value(),
    )
    credentials.refresh(request)  # type: ignore[no-untyped-call]  # google-auth is typed in part
    expires_at = credentials.expiry.replace(tzinfo=UTC) if credentials.expiry else now
    return AccessToken(str(credentials.token), expires_at)


def _stored_token(grant: StoredGrant, now: datetime) -> AccessToken | None:
    if not grant.access_token or not grant.expires_at or grant.expires_at - now < MIN_TOKEN_LIFETIME:
        return None
    return AccessToken(grant.access_token, grant.expires_at)


class ConnectionCredentials(google_auth.Credentials):
    """The credentials of one connection in one thread. All threads share the connection's tokens."""

    def __init__(self, connection_id: str, tokens: AccessTokens) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # google-auth is typed in part
        self._connection_id = connection_id
        self._tokens = tokens

    def load_stored_token(self) -> None:
        """Set the token to the stored one, so that a merchant who connected again never uses the earlier grant.

        Raises:
            GrantLost: The connection has no valid grant.
        """
        stored = self._tokens.get_stored(self._connection_id)
        self.token = stored.token if stored else None
        self.expiry = stored.expires_at.replace(tzinfo=None) if stored else None

    def refresh(self, request: Request) -> None:
        """Replace the token with a newer one. google-auth calls this before a request if needed, and after a 401."""
        newer = self._tokens.refresh(self._connection_id, self.token, request)
        self.token = newer.token
        self.expiry = newer.expires_at.replace(tzinfo=None)  # google-auth compares with naive UTC
