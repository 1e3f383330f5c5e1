"""The users' grants to apps: consents, authorization codes and tokens."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from secrets import token_urlsafe

from pydantic import BaseModel, Field

ACCESS_TOKEN_LIFETIME = timedelta(seconds=3599)
CODE_LIFETIME = timedelta(minutes=10)
MAX_REFRESH_TOKENS = 100
"""Per account and client. Above it, Google silently invalidates the oldest."""


class InvalidCredentials(Exception):
    """The access token is unknown, expired or revoked."""


class InvalidGrant(Exception):
    """The refresh token or code is unknown, expired, used or revoked."""


@dataclass(frozen=True)
class Caller:
    """The account of a call, the app that calls, and the scopes that it has."""

    email: str
    client_id: str
    scopes: frozenset[str]


@dataclass(frozen=True)
class IssuedRefreshToken:
    """A refresh token. It is ``public`` if its app proved its identity by PKCE and has no secret."""

    caller: Caller
    public: bool = False


@dataclass(frozen=True)
class IssuedAccessToken:
    """An access token."""

    caller: Caller
    expires: datetime


@dataclass(frozen=True)
class AuthorizationCode:
    """An authorization code: what the user has allowed, and how the app must prove that it sent the request."""

    caller: Caller
    redirect_uri: str
    expires: datetime
    with_refresh_token: bool = False
    challenge: str = ""
    challenge_method: str = "plain"
    nonce: str = ""


class GrantState(BaseModel):
    """All consents, codes and tokens, as the state file keeps them. ``consents`` is by account, then by client."""

    consents: dict[str, dict[str, frozenset[str]]] = Field(default_factory=dict)
    refresh_tokens: dict[str, IssuedRefreshToken] = Field(default_factory=dict)
    access_tokens: dict[str, IssuedAccessToken] = Field(default_factory=dict)
    codes: dict[str, AuthorizationCode] = Field(default_factory=dict)


class OAuthGrants:
    """Consents, codes and tokens. ``changed`` is called after every change."""

    def __init__(self, clock: Callable[[], datetime], changed: Callable[[], None]) -> None:
        self.clock = clock
        self.state = GrantState()
        self._changed = changed

    def consented_scopes(self, email: str, client_id: str) -> frozenset[str]:
        """Return all scopes that the user has allowed the app so far."""
        return self.state.consents.get(email, {}).get(client_id, frozenset())

    def consent(self, caller: Caller) -> None:
        """Add the caller's scopes to those that the user has allowed the app."""
        clients = self.state.consents.setdefault(caller.email, {})
        clients[caller.client_id] = self.consented_scopes(caller.email, caller.client_id) | caller.scopes
        self._changed()

    def has_refresh_token(self, email: str, client_id: str) -> bool:
        """Return whether the app has a valid refresh token of the user."""
        return bool(self._list_refresh_tokens(email, client_id))

    def issue_code(self, code: AuthorizationCode) -> str:
        """Return a name for the code, by which it can be redeemed once within CODE_LIFETIME."""
        now = self.clock()
        self.state.codes = {name: kept for name, kept in self.state.codes.items() if kept.expires > now}
        name = f"4/0A{token_urlsafe(40)}"
        self.state.codes[name] = code
        self._changed()
        return name

    def redeem_code(self, name: str) -> AuthorizationCode:
        """Remove the code and return it.

        Raises:
            InvalidGrant: the code is unknown, used or expired.
        """
        code = self.state.codes.pop(name, None)
        self._changed()
        if code is None or code.expires <= self.clock():
            raise InvalidGrant
        return code

    def issue_refresh_token(self, caller: Caller, *, public: bool = False) -> str:
        """Return a new refresh token; above MAX_REFRESH_TOKENS the oldest becomes invalid."""
        for oldest in self._list_refresh_tokens(caller.email, caller.client_id)[: 1 - MAX_REFRESH_TOKENS]:
            del self.state.refresh_tokens[oldest]
        name = f"1//0{token_urlsafe(48)}"
        self.state.refresh_tokens[name] = IssuedRefreshToken(caller, public)
        self._changed()
        return name

    def find_refresh_token(self, name: str) -> IssuedRefreshToken:
        """Return the refresh token's app, user and scopes.

        Raises:
            InvalidGrant: the token is unknown or revoked.
        """
        try:
            return self.state.refresh_tokens[name]
        except KeyError:
            raise InvalidGrant from None

    def issue_access_token(self, caller: Caller) -> str:
        """Return a new access token, and remove the expired ones."""
        now = self.clock()
        tokens = self.state.access_tokens
        self.state.access_tokens = {name: kept for name, kept in tokens.items() if kept.expires > now}
        name = f"ya29.a0{token_urlsafe(96)}"
        self.state.access_tokens[name] = IssuedAccessToken(caller, now + ACCESS_TOKEN_LIFETIME)
        self._changed()
        return name

    def find_caller(self, access_token: str) -> Caller:
        """Return the caller that this access token belongs to.

        Raises:
            InvalidCredentials: the token is unknown, expired or revoked.
        """
        token = self.state.access_tokens.get(access_token)
        if token is None or token.expires <= self.clock():
            raise InvalidCredentials
        return token.caller

    def find_owner(self, name: str) -> str:
        """Return the address of the account that this token or code belongs to, or an empty string."""
        state = self.state
        issued = state.refresh_tokens.get(name) or state.access_tokens.get(name) or state.codes.get(name)
        return issued.caller.email if issued else ""

    def revoke_token(self, name: str) -> None:
        """Revoke the whole grant that the token belongs to.

        Raises:
            InvalidGrant: the token is unknown.
        """
        token = self.state.refresh_tokens.get(name) or self.state.access_tokens.get(name)
        if token is None:
            raise InvalidGrant
        self.revoke(token.caller.email, token.caller.client_id)

    def revoke(self, email: str, client_id: str | None = None) -> None:
        """Revoke the user's grant to the app, or to all apps if ``client_id`` is None."""

        def remains(caller: Caller) -> bool:
            return caller.email != email or client_id not in {None, caller.client_id}

        state = self.state
        clients = state.consents.get(email, {})
        state.consents[email] = {name: scopes for name, scopes in clients.items() if client_id not in {None, name}}
        state.refresh_tokens = {name: token for name, token in state.refresh_tokens.items() if remains(token.caller)}
        state.access_tokens = {name: token for name, token in state.access_tokens.items() if remains(token.caller)}
        state.codes = {name: code for name, code in state.codes.items() if remains(code.caller)}
        self._changed()

    def change_address(self, old: str, new: str) -> None:
        """Give all consents, tokens and codes of the account its new address; they remain valid."""

        def renamed(caller: Caller) -> Caller:
            return replace(caller, email=new) if caller.email == old else caller

        state = self.state
        state.consents = {new if email == old else email: apps for email, apps in state.consents.items()}
        state.refresh_tokens = {k: replace(v, caller=renamed(v.caller)) for k, v in state.refresh_tokens.items()}
        state.access_tokens = {k: replace(v, caller=renamed(v.caller)) for k, v in state.access_tokens.items()}
        state.codes = {k: replace(v, caller=renamed(v.caller)) for k, v in state.codes.items()}
        self._changed()

    def _list_refresh_tokens(self, email: str, client_id: str) -> list[str]:
        tokens = self.state.refresh_tokens.items()
        return [name for name, token in tokens if (token.caller.email, token.caller.client_id) == (email, client_id)]
