"""A merchant's consent at Google: the way there, what comes back, revoking it; and a check of our client."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
from google.auth import jwt
from google_auth_oauthlib.flow import Flow  # type: ignore[import-untyped]  # ships no types
from oauthlib.oauth2 import OAuth2Error  # type: ignore[import-untyped]  # ships no types

from slotsync.domain.connections.connection import Account, wanted_scopes
from slotsync.errors import GoogleError, GrantLost, Transient
from slotsync.google.errors import CLIENT_FAULTS, client_fault
from slotsync.settings import Settings

CONSENT_TIMEOUT = 15
"""Seconds in which Google has to answer, as for every other call."""

for _talkative in ("oauthlib", "requests_oauthlib"):
    logging.getLogger(_talkative).setLevel(logging.INFO)  # below it they log codes, tokens and our client's secret


@dataclass(frozen=True, repr=False)
class ConsentRequest:
    """Where the merchant is asked, and the verifier without which nobody can use the answer."""

    url: str
    verifier: str


@dataclass(frozen=True, repr=False)
class Consent:
    """What a merchant granted. It has no repr, so that no token is logged by accident."""

    account: Account
    refresh_token: str | None
    access_token: str
    expires_at: datetime
    scopes: frozenset[str]


class GoogleConsent:
    """Sends merchants to Google and takes their answers."""

    def __init__(self, settings: Settings) -> None:
        self._client = settings.require_google_client()
        self._endpoints = settings.google
        self._redirect_uri = f"{settings.require_public_url()}/google/callback"
        self.wanted = wanted_scopes(push=settings.google_push)
        if settings.google_endpoint.startswith("http://"):
            # The only way to tell oauthlib that plain HTTP is meant; never with Google's own addresses.
            os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"

    def question(self, state: str, account: str | None = None) -> ConsentRequest:
        """The address of the consent page; ``account`` is the address that is most likely to answer.

        Everything is asked for every time: what was granted before to a laxer setting must not come along.
        """
        flow = self._flow(sorted(self.wanted))
        hint = {"login_hint": account} if account else {}
        with flow.oauth2session:
            url, _ = flow.authorization_url(access_type="offline", prompt="consent", state=state, **hint)
        return ConsentRequest(str(url), str(flow.code_verifier))

    def answer(self, code: str, verifier: str) -> Consent:
        """What the merchant granted; a ``GoogleError`` when Google does not accept the code."""
        # No scopes are named: the library raises a Warning as an error when the merchant granted less than was asked.
        flow = self._flow(None, verifier)
        with flow.oauth2session, _in_our_words():
            return self._consent(flow.fetch_token(code=code, timeout=CONSENT_TIMEOUT))

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
            scopes=frozenset(token.get("scope") or self.wanted),
        )

    def _account(self, id_token: str | None) -> Account:
        """Whose grant it is. It came from Google itself, over the connection that we made: no signature to check."""
        claims = jwt.decode(id_token, verify=False) if id_token else {}  # type: ignore[no-untyped-call]  # untyped there
        if claims.get("aud") != self._client.id or not claims.get("email"):
            raise GrantLost("Google did not say whose account it is; connect again", reason="no_account")
        return Account(id=str(claims["sub"]), email=str(claims["email"]))


@contextmanager
def _in_our_words() -> Iterator[None]:
    """The libraries' errors, without what they quote."""
    try:
        yield
    except OAuth2Error as error:
        raise _refused(str(error.error)) from None
    except (OSError, ValueError):
        raise Transient("Google cannot be reached; try again", reason="unreachable") from None


def _refused(reason: str) -> GoogleError:
    return client_fault(reason) or GrantLost(f"Google does not accept the answer ({reason})", reason=reason)


REVOKE_TIMEOUT = 15
_ALREADY_DEAD = 400


def revoke(settings: Settings, token: str) -> None:
    """Ends the grant behind this token, all tokens of it; one that is dead already is fine."""
    try:
        answer = httpx.post(settings.google.revoke, data={"token": token}, timeout=REVOKE_TIMEOUT)
    except httpx.TransportError:
        raise Transient("Google cannot be reached; it is tried again", reason="unreachable") from None
    if not (answer.is_success or answer.status_code == _ALREADY_DEAD):
        raise Transient("Google did not end the grant; it is tried again", reason=f"http{answer.status_code}")


CHECK_TIMEOUT = 15
_NO_TOKEN = "slotsync-doctor-asks-whether-you-know-this-client"  # noqa: S105  opens nothing, as the name says


@dataclass(frozen=True)
class ClientCheck:
    """What the token endpoint said: ``known`` is empty when that tells nothing about the client."""

    known: bool | None
    answer: str


def check_client(settings: Settings) -> ClientCheck:
    """Google refuses the token either way; for the token's sake only if it knows the client and its secret."""
    client = settings.require_google_client()
    form = {
        "grant_type": "refresh_token",
        "refresh_token": _NO_TOKEN,
        "client_id": client.id,
        "client_secret": client.secret.get_secret_value(),
    }
    try:
        answer = httpx.post(settings.google.token, data=form, timeout=CHECK_TIMEOUT)
    except httpx.TransportError as error:
        return ClientCheck(None, type(error).__name__)
    reason = _check_reason(answer)
    return ClientCheck({"invalid_grant": True}.get(reason, False if reason in CLIENT_FAULTS else None), reason)


def _check_reason(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error"])
    except (ValueError, KeyError, TypeError):
        return f"http{answer.status_code}"
