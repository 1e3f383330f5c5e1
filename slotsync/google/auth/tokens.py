"""Access tokens: refreshed once for all threads and processes."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import uuid4

from google.auth import credentials as google_auth
from google.auth.transport import Request
from google.oauth2.credentials import Credentials

from slotsync.settings import Settings

GOOD_FOR = timedelta(minutes=5)
"""An access token that lives shorter than this is renewed; google-auth itself demands 3 min 45 s."""


LEASE = timedelta(seconds=20)
"""How long others leave the refresh to whoever began it: longer than Google may take, shorter than a silent activity
may be silent. Whoever dies in it holds up the others for no longer."""

LOOKS_EVERY = 0.05
"""Seconds between two looks at what another process refreshes, which takes it about 0.2 s."""


class StoredGrant(Protocol):
    """What the merchant granted: the refresh token, and the newest access token with its aware expiry."""

    @property
    def refresh_token(self) -> str: ...  # noqa: D102
    @property
    def access_token(self) -> str | None: ...  # noqa: D102
    @property
    def expires_at(self) -> datetime | None: ...  # noqa: D102


class GrantStore(Protocol):
    """Where grants are kept."""

    def grant(self, connection_id: str) -> StoredGrant:
        """The grant of this connection; ``GrantLost`` when it has none that lives."""
        ...

    def save_access_token(self, connection_id: str, token: str, expires_at: datetime) -> None:
        """Keeps the newest access token for every thread and process."""
        ...

    def acquire_lease(self, connection_id: str, holder: str, lasts: timedelta) -> bool:
        """Whether this holder may refresh the token now, and nobody else in any process."""
        ...

    def release_lease(self, connection_id: str, holder: str) -> None:
        """Lets the next one refresh."""
        ...


@dataclass(frozen=True, repr=False)
class AccessToken:
    """A token and its aware expiry. It has no repr, so that it cannot be logged by accident."""

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

    def current(self, connection_id: str) -> AccessToken | None:
        """The stored token, while it is good."""
        return self._good(self._grants.grant(connection_id))

    def renewed(self, connection_id: str, refused: str | None, request: Request) -> AccessToken:
        """A good token other than the ``refused`` one, refreshed once although many threads and processes ask."""
        with self._locks.setdefault(connection_id, threading.Lock()):
            while True:
                stored = self.current(connection_id)
                if stored and stored.token != refused:
                    return stored
                with self._leased(connection_id) as ours:
                    if ours:
                        return self._renewed(connection_id, refused, request)
                time.sleep(LOOKS_EVERY)

    def _renewed(self, connection_id: str, refused: str | None, request: Request) -> AccessToken:
        """The same, by the only one who refreshes. The token is looked up once more: the last holder has left one."""
        grant = self._grants.grant(connection_id)
        stored = self._good(grant)
        if stored and stored.token != refused:
            return stored
        fresh = self._refreshed(grant.refresh_token, request)
        # A merchant who connected anew in the meantime must not get a token of the grant before.
        if self._grants.grant(connection_id).refresh_token == grant.refresh_token:
            self._grants.save_access_token(connection_id, fresh.token, fresh.expires_at)
        return fresh

    @contextmanager
    def _leased(self, connection_id: str) -> Iterator[bool]:
        holder = str(uuid4())
        ours = self._grants.acquire_lease(connection_id, holder, LEASE)
        try:
            yield ours
        finally:
            if ours:
                self._grants.release_lease(connection_id, holder)

    def _good(self, grant: StoredGrant) -> AccessToken | None:
        if not grant.access_token or not grant.expires_at or grant.expires_at - self._clock() < GOOD_FOR:
            return None
        return AccessToken(grant.access_token, grant.expires_at)

    def _refreshed(self, refresh_token: str, request: Request) -> AccessToken:
        """A new access token. No scopes are named: asking for one that was not granted would be refused."""
        credentials = Credentials(  # type: ignore[no-untyped-call]  # google-auth is typed in part
            None,
            refresh_token=refresh_token,
            token_uri=self._token_uri,
            client_id=self._client.id,
            client_secret=self._client.secret.get_secret_value(),
        )
        credentials.refresh(request)  # type: ignore[no-untyped-call]  # google-auth is typed in part
        expires_at = credentials.expiry.replace(tzinfo=UTC) if credentials.expiry else self._clock()
        return AccessToken(str(credentials.token), expires_at)


class ConnectionCredentials(google_auth.Credentials):
    """The credentials of one connection, for one thread; its tokens are shared by all of them."""

    def __init__(self, connection_id: str, tokens: AccessTokens) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # google-auth is typed in part
        self._connection_id = connection_id
        self._tokens = tokens

    def look_up(self) -> None:
        """Takes the stored token, so that a merchant who connected anew is never served with the grant before."""
        stored = self._tokens.current(self._connection_id)
        self.token = stored.token if stored else None
        self.expiry = stored.expires_at.replace(tzinfo=None) if stored else None

    def refresh(self, request: Request) -> None:
        """Takes a newer token than the present one. google-auth asks for it before a call, and after a 401."""
        newer = self._tokens.renewed(self._connection_id, self.token, request)
        self.token = newer.token
        self.expiry = newer.expires_at.replace(tzinfo=None)  # google-auth compares with naive UTC
