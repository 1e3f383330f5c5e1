"""What google-auth needs to know of one connection."""

from google.auth.credentials import Credentials
from google.auth.transport import Request

from slotsync.google.tokens import AccessTokens


class ConnectionCredentials(Credentials):
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
