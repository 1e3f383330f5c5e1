"""Google accounts, and the grants of their users."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from pydantic import BaseModel, Field

from localgoogle.protocol.json_values import JsonObject
from localgoogle.protocol.scopes import canonical_scopes
from localgoogle.state.grants import Caller, GrantState, OAuthGrants


@dataclass(frozen=True)
class GoogleAccount:
    """One Google account. ``sub`` is its number, which never changes."""

    email: str
    time_zone: str
    sub: str


class _StoredAccounts(BaseModel):
    accounts: dict[str, GoogleAccount] = Field(default_factory=dict)
    grants: GrantState = Field(default_factory=GrantState)


class GoogleAccounts:
    """All accounts of a local Google, in memory. ``grants`` holds their consents and tokens."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.grants = OAuthGrants(clock, self._discard_snapshot)
        self._accounts: dict[str, GoogleAccount] = {}
        self._snapshot: JsonObject | None = None

    def create(self, email: str, time_zone: str) -> GoogleAccount:
        """Create the account, unless it exists, and return it."""
        if email not in self._accounts:
            self._accounts[email] = GoogleAccount(email, time_zone, _account_number(email))
            self._discard_snapshot()
        return self._accounts[email]

    def get(self, email: str) -> GoogleAccount:
        """Return the account with this address.

        Raises:
            KeyError: there is no such account.
        """
        return self._accounts[email]

    def all(self) -> list[GoogleAccount]:
        """Return all accounts, oldest first."""
        return list(self._accounts.values())

    def grant(self, email: str, client_id: str, scopes: Iterable[str]) -> str:
        """Return a refresh token, as if the user had allowed the app all these scopes.

        Raises:
            KeyError: there is no such account.
        """
        caller = Caller(self.get(email).email, client_id, canonical_scopes(scopes))
        self.grants.consent(caller)
        return self.grants.issue_refresh_token(caller)

    def revoke(self, email: str) -> None:
        """Revoke the user's grants to all apps: all their tokens become invalid.

        Raises:
            KeyError: there is no such account.
        """
        self.grants.revoke(self.get(email).email)

    def find_caller(self, access_token: str) -> Caller:
        """Return the caller that this access token belongs to.

        Raises:
            InvalidCredentials: the token is unknown, expired or revoked.
        """
        return self.grants.find_caller(access_token)

    def clear(self) -> None:
        """Delete all accounts and grants."""
        self.restore({})

    def snapshot(self) -> JsonObject:
        """Return all accounts and grants as JSON, as an identical object until the next change."""
        if self._snapshot is None:
            kept = _StoredAccounts(accounts=self._accounts, grants=self.grants.state)
            self._snapshot = kept.model_dump(mode="json")
        return self._snapshot

    def restore(self, record: JsonObject) -> None:
        """Replace all accounts and grants by those of a ``snapshot``."""
        kept = _StoredAccounts.model_validate(record)
        self._accounts, self.grants.state = kept.accounts, kept.grants
        self._discard_snapshot()

    def _discard_snapshot(self) -> None:
        self._snapshot = None


def _account_number(email: str) -> str:
    return f"1{int(sha256(email.encode()).hexdigest(), 16) % 10**20:020}"
