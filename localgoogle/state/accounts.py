"""Google accounts, with the grants of their users."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from pydantic import BaseModel, Field

from localgoogle.protocol.json_values import JsonObject
from localgoogle.state.grants import Caller, GrantState, OAuthGrants, canonical_scopes


@dataclass(frozen=True)
class GoogleAccount:
    """One Google account. ``sub`` is the number that never changes."""

    email: str
    time_zone: str
    sub: str


class _StoredAccounts(BaseModel):
    accounts: dict[str, GoogleAccount] = Field(default_factory=dict)
    grants: GrantState = Field(default_factory=GrantState)


class GoogleAccounts:
    """All accounts of a local Google, in memory. ``grants`` holds their consents and tokens."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.grants = OAuthGrants(clock, self._forget_snapshot)
        self._accounts: dict[str, GoogleAccount] = {}
        self._snapshot: JsonObject | None = None

    def create(self, email: str, time_zone: str) -> GoogleAccount:
        """The account; the one that exists, where it does."""
        if email not in self._accounts:
            self._accounts[email] = GoogleAccount(email, time_zone, _account_number(email))
            self._forget_snapshot()
        return self._accounts[email]

    def get(self, email: str) -> GoogleAccount:
        """The account with this address; KeyError where there is none."""
        return self._accounts[email]

    def all(self) -> list[GoogleAccount]:
        """Every account, oldest first."""
        return list(self._accounts.values())

    def grant(self, email: str, client_id: str, scopes: Iterable[str]) -> str:
        """A refresh token, as if the user had allowed the app all these scopes; KeyError for an unknown account."""
        caller = Caller(self.get(email).email, client_id, canonical_scopes(scopes))
        self.grants.consent(caller)
        return self.grants.issue_refresh_token(caller)

    def revoke(self, email: str) -> None:
        """Takes back what the user granted, to every app: all tokens are dead from now on."""
        self.grants.revoke(self.get(email).email)

    def caller(self, access_token: str) -> Caller:
        """Who calls with this token; raises InvalidCredentials."""
        return self.grants.caller(access_token)

    def clear(self) -> None:
        """Forgets all accounts and grants."""
        self.restore({})

    def snapshot(self) -> JsonObject:
        """Everything, as JSON. The same object for as long as nothing changes, so that comparing is cheap."""
        if self._snapshot is None:
            kept = _StoredAccounts(accounts=self._accounts, grants=self.grants.state)
            self._snapshot = kept.model_dump(mode="json")
        return self._snapshot

    def restore(self, record: JsonObject) -> None:
        """Puts back what ``snapshot`` told."""
        kept = _StoredAccounts.model_validate(record)
        self._accounts, self.grants.state = kept.accounts, kept.grants
        self._forget_snapshot()

    def _forget_snapshot(self) -> None:
        self._snapshot = None


def _account_number(email: str) -> str:
    return f"1{int(sha256(email.encode()).hexdigest(), 16) % 10**20:020}"
