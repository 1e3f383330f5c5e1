"""What users granted to apps, and the codes and tokens that stand for it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_urlsafe

from pydantic import BaseModel, Field

ACCESS_TOKEN_LIFETIME = timedelta(seconds=3599)
CODE_LIFETIME = timedelta(minutes=10)
MAX_REFRESH_TOKENS = 100
"""Per account and client. Google silently drops the oldest beyond it."""

_CANONICAL = {
    name: f"https://www.googleapis.com/auth/userinfo.{name}"  # what Google calls the OpenID names in its answers
    for name in ("email", "profile")
}


class InvalidCredentials(Exception):
    """The access token is unknown, expired or revoked."""


class InvalidGrant(Exception):
    """The refresh token or code is unknown, expired, used or revoked."""


@dataclass(frozen=True)
class Caller:
    """Whose data an app may reach, which app it is, and how far it may go."""

    email: str
    client_id: str
    scopes: frozenset[str]


@dataclass(frozen=True)
class IssuedRefreshToken:
    """A long-lived token. ``public`` when the app that holds it proved itself by PKCE and has no secret."""

    caller: Caller
    public: bool = False


@dataclass(frozen=True)
class IssuedAccessToken:
    """A token for calls."""

    caller: Caller
    expires: datetime


@dataclass(frozen=True)
class AuthorizationCode:
    """An authorization code: what the user just allowed, and how the app must prove that it asked."""

    caller: Caller
    redirect_uri: str
    expires: datetime
    with_refresh_token: bool = False
    challenge: str = ""
    challenge_method: str = "plain"
    nonce: str = ""


class GrantState(BaseModel):
    """All that is granted, as the state file keeps it. ``consents`` is by account, then by client."""

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

    def consented(self, email: str, client_id: str) -> frozenset[str]:
        """Every scope that the user has allowed the app so far."""
        return self.state.consents.get(email, {}).get(client_id, frozenset())

    def consent(self, caller: Caller) -> None:
        """Adds to what the user allowed the app."""
        clients = self.state.consents.setdefault(caller.email, {})
        clients[caller.client_id] = self.consented(caller.email, caller.client_id) | caller.scopes
        self._changed()

    def has_refresh_token(self, email: str, client_id: str) -> bool:
        """Whether the app holds a living refresh token of the user."""
        return bool(self._refresh_tokens_of(email, client_id))

    def issue_code(self, code: AuthorizationCode) -> str:
        """A code for this, to be redeemed once."""
        now = self.clock()
        self.state.codes = {name: kept for name, kept in self.state.codes.items() if kept.expires > now}
        name = f"4/0A{token_urlsafe(40)}"
        self.state.codes[name] = code
        self._changed()
        return name

    def redeem(self, name: str) -> AuthorizationCode:
        """What the code stands for, once; raises InvalidGrant."""
        code = self.state.codes.pop(name, None)
        self._changed()
        if code is None or code.expires <= self.clock():
            raise InvalidGrant
        return code

    def issue_refresh_token(self, caller: Caller, *, public: bool = False) -> str:
        """A new refresh token; the oldest one goes where there are too many."""
        for oldest in self._refresh_tokens_of(caller.email, caller.client_id)[: 1 - MAX_REFRESH_TOKENS]:
            del self.state.refresh_tokens[oldest]
        name = f"1//0{token_urlsafe(48)}"
        self.state.refresh_tokens[name] = IssuedRefreshToken(caller, public)
        self._changed()
        return name

    def refresh_token(self, name: str) -> IssuedRefreshToken:
        """What the refresh token stands for; raises InvalidGrant."""
        try:
            return self.state.refresh_tokens[name]
        except KeyError:
            raise InvalidGrant from None

    def issue_access_token(self, caller: Caller) -> str:
        """A new access token; forgets the expired ones."""
        now = self.clock()
        tokens = self.state.access_tokens
        self.state.access_tokens = {name: kept for name, kept in tokens.items() if kept.expires > now}
        name = f"ya29.a0{token_urlsafe(96)}"
        self.state.access_tokens[name] = IssuedAccessToken(caller, now + ACCESS_TOKEN_LIFETIME)
        self._changed()
        return name

    def caller(self, access_token: str) -> Caller:
        """Who calls with this token; raises InvalidCredentials."""
        token = self.state.access_tokens.get(access_token)
        if token is None or token.expires <= self.clock():
            raise InvalidCredentials
        return token.caller

    def revoke_token(self, name: str) -> None:
        """Ends the whole grant that the token belongs to; raises InvalidGrant for an unknown one."""
        token = self.state.refresh_tokens.get(name) or self.state.access_tokens.get(name)
        if token is None:
            raise InvalidGrant
        self.revoke(token.caller.email, token.caller.client_id)

    def revoke(self, email: str, client_id: str | None = None) -> None:
        """Ends what the user granted to the app, or to all apps."""

        def lives(caller: Caller) -> bool:
            return caller.email != email or client_id not in {None, caller.client_id}

        state = self.state
        clients = state.consents.get(email, {})
        state.consents[email] = {name: scopes for name, scopes in clients.items() if client_id not in {None, name}}
        state.refresh_tokens = {name: token for name, token in state.refresh_tokens.items() if lives(token.caller)}
        state.access_tokens = {name: token for name, token in state.access_tokens.items() if lives(token.caller)}
        state.codes = {name: code for name, code in state.codes.items() if lives(code.caller)}
        self._changed()

    def _refresh_tokens_of(self, email: str, client_id: str) -> list[str]:
        tokens = self.state.refresh_tokens.items()
        return [name for name, token in tokens if (token.caller.email, token.caller.client_id) == (email, client_id)]


def canonical_scopes(scopes: Iterable[str]) -> frozenset[str]:
    """The scopes under the names that Google answers with."""
    return frozenset(_CANONICAL.get(scope, scope) for scope in scopes)
