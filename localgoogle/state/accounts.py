"""Google accounts, and the grants of their users."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from pydantic import BaseModel, Field

from localgoogle.protocol.json_values import JsonObject
from localgoogle.protocol.scopes import canonical_scopes
from localgoogle.state.grants import Caller, GrantState, OAuthGrants
from localgoogle.state.records import same_address


@dataclass(frozen=True)
class GoogleAccount:
    """One Google account. ``sub`` is its number, which never changes."""

    email: str
    time_zone: str
    sub: str


class _StoredAccounts(BaseModel):
    accounts: dict[str, GoogleAccount] = Field(default_factory=dict)
    former_addresses: dict[str, str] = Field(default_factory=dict)
    grants: GrantState = Field(default_factory=GrantState)


class GoogleAccounts:
    """All accounts of a local Google, in memory. ``grants`` holds their consents and tokens.

    An address is found in any case, and shown as it was created. One that an account had before remains its own: no
    other account can have it.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.grants = OAuthGrants(clock, self._discard_snapshot)
        self._accounts: dict[str, GoogleAccount] = {}
        self._former: dict[str, str] = {}
        self._snapshot: JsonObject | None = None

    def create(self, email: str, time_zone: str) -> GoogleAccount:
        """Create the account, unless it exists, and return it.

        Raises:
            ValueError: another account had this address before.
        """
        self._check_former(email)
        if known := self.find(email):
            return known
        created = self._accounts[email] = GoogleAccount(email, time_zone, _account_number(email))
        self._discard_snapshot()
        return created

    def find(self, email: str) -> GoogleAccount | None:
        """Return the account with this address, or None."""
        if known := self._accounts.get(email):
            return known
        return next((account for account in self.all() if same_address(account.email, email)), None)

    def get(self, email: str) -> GoogleAccount:
        """Return the account with this address.

        Raises:
            KeyError: there is no such account.
        """
        if known := self.find(email):
            return known
        raise KeyError(email)

    def change_address(self, old: str, new: str) -> GoogleAccount:
        """Give the account a new address, with all its grants, and return it.

        Raises:
            KeyError: there is no account with the old address.
            ValueError: the new address is, or was, another account's.
        """
        old = self.get(old).email
        changed = replace(self.get(old), email=new)
        if self._find_former_owner(new) != old:
            self._check_former(new)
        if self.find(new):
            raise ValueError(f"there is an account {new} already")
        self._accounts = {each.email: each for each in (changed if a.email == old else a for a in self.all())}
        kept = {
            former: new if now == old else now for former, now in self._former.items() if not same_address(former, new)
        }
        self._former = kept | {old: new}
        self.grants.change_address(old, new)
        return changed

    def addresses(self, email: str) -> frozenset[str]:
        """Return all addresses of the account with this address: the present one and the former ones."""
        return frozenset([email, *(former for former, now in self._former.items() if now == email)])

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
            kept = _StoredAccounts(accounts=self._accounts, former_addresses=self._former, grants=self.grants.state)
            self._snapshot = kept.model_dump(mode="json")
        return self._snapshot

    def restore(self, record: JsonObject) -> None:
        """Replace all accounts and grants by those of a ``snapshot``."""
        kept = _StoredAccounts.model_validate(record)
        self._accounts, self._former, self.grants.state = kept.accounts, kept.former_addresses, kept.grants
        self._discard_snapshot()

    def _check_former(self, email: str) -> None:
        if owner := self._find_former_owner(email):
            raise ValueError(f"{email} is a former address of {owner}")

    def _find_former_owner(self, email: str) -> str:
        """Return the present address of the account that had this one before, or an empty string."""
        return next((now for former, now in self._former.items() if same_address(former, email)), "")

    def _discard_snapshot(self) -> None:
        self._snapshot = None


def _account_number(email: str) -> str:
    return f"1{int(sha256(email.encode()).hexdigest(), 16) % 10**20:020}"
