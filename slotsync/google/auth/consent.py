"""Send merchants to Google's consent page, exchange the code, revoke a grant, and check our OAuth client."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from google.auth import jwt
from google_auth_oauthlib.flow import Flow  # type: ignore[import-untyped]  # ships no types
from oauthlib.oauth2 import OAuth2Error  # type: ignore[import-untyped]  # ships no types

from slotsync.domain.connections.connection import Account, wanted_scopes
from slotsync.errors import GoogleError, GrantLost, Transient
from slotsync.google.errors import OAUTH_CLIENT_REASONS, oauth_client_error
from slotsync.settings import Settings

OAUTH_TIMEOUT = timedelta(seconds=15)
"""Longest wait for an answer of Google's OAuth endpoints."""

_UNKNOWN_TOKEN_STATUS = 400
_FALSE_TOKEN = "slotsync-doctor-asks-whether-you-know-this-client"  # noqa: S105  opens nothing, as the name says

for _verbose in ("oauthlib", "requests_oauthlib"):
    logging.getLogger(_verbose).setLevel(logging.INFO)  # below it they log codes, tokens and our client's secret


@dataclass(frozen=True, repr=False)
class ConsentRequest:
    """The consent page's URL, and the PKCE verifier that the code exchange needs."""

    url: str
    verifier: str


@dataclass(frozen=True, repr=False)
class Consent:
    """The account, tokens and scopes of a merchant's grant. It has no repr, so that no token is logged by accident.

    ``account`` is None if Google did not name it, and ``refresh_token`` if the access does not last.
    """

    account: Account | None
    refresh_token: str | None
    access_token: str
    expires_at: datetime
    scopes: frozenset[str]


class GoogleConsent:
    """The OAuth consent of merchants: the request and the code exchange."""

    def __init__(self, settings: Settings) -> None:
        self._client = settings.require_google_client()
        self._endpoints = settings.google
        self._redirect_uri = f"{settings.require_public_url()}/google/callback"
        self.scopes = wanted_scopes(push=settings.google_push)
        if settings.google_endpoint.startswith("http://"):
            # oauthlib has no other way to allow plain HTTP; never set with Google's own addresses.
            os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"

    def build_request(self, state: str, account: str | None = None) -> ConsentRequest:
        """Return the request for the consent page. ``account`` is the e-mail address that Google suggests, if known.

        It requests all scopes, and no earlier grants: scopes that an older setting requested must not be included.
        """
        flow = self._flow(sorted(self.scopes))
        hint = {"login_hint": account} if account else {}
        with flow.oauth2session:
            url, _ = flow.authorization_url(access_type="offline", prompt="consent", state=state, **hint)
        return ConsentRequest(str(url), str(flow.code_verifier))

    def exchange_code(self, code: str, verifier: str) -> Consent:
        """Exchange the code for the merchant's grant.

        Raises:
            GrantLost: Google does not accept the code.
            Transient: Google cannot be reached, or refuses our OAuth client.
        """
        # No scopes are passed: the library raises a Warning as an error if the merchant granted fewer than requested.
        flow = self._flow(None, verifier)
        with flow.oauth2session, _convert_errors():
            return self._consent(flow.fetch_token(code=code, timeout=OAUTH_TIMEOUT.total_seconds()))

    def _flow(self, scopes: list[str] | None, verifier: str | None = None) -> Any:
        web = {
            "client_id": self._client.id,
            "client_secret": self._client.secret.get_secret_value(),
            "auth_uri": self._endpoints.authorize,
            "token_uri": self._endpoints.token,
        }
        return Flow.from_client_config({"web": web}, scopes, redirect_uri=self._redirect_uri, code_verifier=verifier)

    def _consent(self, token: dict[str, Any]) -> Consent:
        return Consent(
            account=self._account(token.get("id_token")),
            refresh_token=token.get("refresh_token"),
            access_token=str(token["access_token"]),
            expires_at=datetime.fromtimestamp(float(token.get("expires_at", 0)), UTC),
            scopes=frozenset(token.get("scope") or self.scopes),
        )

    def _account(self, id_token: str | None) -> Account | None:
        """Return the grant's account, or None if Google did not name it.

        The token came from Google over our own connection: no signature to check.
        """
        try:
            claims = jwt.decode(id_token, verify=False) if id_token else {}  # type: ignore[no-untyped-call]  # untyped
        except ValueError:
            claims = {}
        if claims.get("aud") != self._client.id or not claims.get("email"):
            return None
        return Account(id=str(claims["sub"]), email=str(claims["email"]))


@contextmanager
def _convert_errors() -> Iterator[None]:
    """Raise the libraries' errors as ``GoogleError``, without the text that they quote."""
    try:
        yield
    except OAuth2Error as error:
        raise _consent_error(str(error.error)) from None
    except (OSError, ValueError):
        raise Transient("Google cannot be reached; try again", reason="unreachable") from None


def _consent_error(reason: str) -> GoogleError:
    return oauth_client_error(reason) or GrantLost(f"Google does not accept the answer ({reason})", reason=reason)


def revoke(settings: Settings, token: str) -> bool:
    """Revoke the token's grant with all its tokens; return false if Google does not know the token any more.

    With it Google ends all grants of the account to our OAuth client.

    Raises:
        Transient: Google cannot be reached, or did not revoke the grant.
    """
    try:
        answer = httpx.post(settings.google.revoke, data={"token": token}, timeout=OAUTH_TIMEOUT.total_seconds())
    except httpx.TransportError:
        raise Transient("Google cannot be reached; it is tried again", reason="unreachable") from None
    if not (answer.is_success or answer.status_code == _UNKNOWN_TOKEN_STATUS):
        raise Transient("Google did not end the grant; it is tried again", reason=f"http{answer.status_code}")
    return answer.is_success


@dataclass(frozen=True)
class ClientCheck:
    """The result of a check of our OAuth client. ``known`` is None if the answer does not show it.

    ``answer`` is Google's reason or status, or the name of the connection error.
    """

    known: bool | None
    answer: str


def check_client(settings: Settings) -> ClientCheck:
    """Check the OAuth client with a false token: Google answers ``invalid_grant`` only if it accepts the client."""
    client = settings.require_google_client()
    form = {
        "grant_type": "refresh_token",
        "refresh_token": _FALSE_TOKEN,
        "client_id": client.id,
        "client_secret": client.secret.get_secret_value(),
    }
    try:
        answer = httpx.post(settings.google.token, data=form, timeout=OAUTH_TIMEOUT.total_seconds())
    except httpx.TransportError as error:
        return ClientCheck(None, type(error).__name__)
    reason = _check_reason(answer)
    return ClientCheck({"invalid_grant": True}.get(reason, False if reason in OAUTH_CLIENT_REASONS else None), reason)


def _check_reason(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error"])
    except (ValueError, KeyError, TypeError):
        return f"http{answer.status_code}"
