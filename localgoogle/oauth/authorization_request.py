"""An app's request for authorization, checked as Google checks it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlencode, urlsplit

from localgoogle.protocol.arguments import is_loopback
from localgoogle.protocol.scopes import canonical_scopes, unknown_scopes

_CHALLENGE = re.compile(r"[A-Za-z0-9\-._~]{43,128}")
_PROMPTS = frozenset({"none", "consent", "select_account"})
_REQUIRED = ("client_id", "redirect_uri", "response_type", "scope")
_CHOICES = {
    "access_type": ("online", "offline"),
    "include_granted_scopes": ("true", "false"),
    "code_challenge_method": ("plain", "S256"),
}


class AuthorizationRefused(Exception):
    """An error of the request, which Google shows to the user and not to the app."""

    def __init__(self, error: str, message: str) -> None:
        super().__init__(message)
        self.error = error
        self.message = message


@dataclass(frozen=True)
class AuthorizationRequest:
    """One well-formed request at the authorization endpoint."""

    client_id: str
    redirect_uri: str
    scopes: frozenset[str]
    state: str | None
    offline: bool
    prompts: frozenset[str]
    include_granted: bool
    login_hint: str
    challenge: str
    challenge_method: Literal["plain", "S256"]
    nonce: str

    @classmethod
    def read(cls, query: Mapping[str, str]) -> "AuthorizationRequest":
        """Return the request of these parameters.

        Raises:
            AuthorizationRefused: a parameter is missing or not valid.
        """
        _check(query)
        return cls(
            client_id=query["client_id"],
            redirect_uri=query["redirect_uri"],
            scopes=canonical_scopes(query["scope"].split()),
            state=query.get("state"),
            offline=query.get("access_type") == "offline",
            prompts=frozenset(query.get("prompt", "").split()),
            include_granted=query.get("include_granted_scopes") == "true",
            login_hint=query.get("login_hint", ""),
            challenge=query.get("code_challenge", ""),
            challenge_method="S256" if query.get("code_challenge_method") == "S256" else "plain",
            nonce=query.get("nonce", ""),
        )

    def redirect_url(self, **answer: str) -> str:
        """Return the address of the app that carries this answer."""
        if self.state is not None:
            answer = {"state": self.state, **answer}
        return f"{self.redirect_uri}{'&' if '?' in self.redirect_uri else '?'}{urlencode(answer)}"


def _check(query: Mapping[str, str]) -> None:
    for name in _REQUIRED:
        if not query.get(name):
            raise AuthorizationRefused("invalid_request", f"Missing required parameter: {name}")
    for name, allowed in _CHOICES.items():
        if query.get(name, allowed[0]) not in allowed:
            raise AuthorizationRefused("invalid_request", f"Invalid parameter value for {name}: {query[name]}")
    if query["response_type"] != "code":
        raise AuthorizationRefused("unsupported_response_type", f"Invalid response_type: {query['response_type']}")
    _check_redirect(query["redirect_uri"])
    _check_scopes(query["scope"])
    _check_prompt(query.get("prompt", ""))
    _check_challenge(query.get("code_challenge"), "code_challenge_method" in query)


def _check_redirect(redirect_uri: str) -> None:
    parts = urlsplit(redirect_uri)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise AuthorizationRefused("invalid_request", f"Invalid redirect_uri: {redirect_uri}")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise AuthorizationRefused("invalid_request", "The redirect_uri must use https unless it is on localhost.")
    if parts.fragment or parts.username or "*" in redirect_uri:
        raise AuthorizationRefused("invalid_request", "The redirect_uri has a fragment, a wildcard or user info.")


def _check_scopes(scope: str) -> None:
    requested = scope.split()
    if unknown := unknown_scopes(requested):
        valid = ", ".join(name for name in requested if name not in unknown)
        raise AuthorizationRefused(
            "invalid_scope", f"Some requested scopes were invalid. {{valid=[{valid}], invalid=[{', '.join(unknown)}]}}"
        )


def _check_prompt(prompt: str) -> None:
    prompts = set(prompt.split())
    if prompts - _PROMPTS or ("none" in prompts and len(prompts) > 1):
        raise AuthorizationRefused("invalid_request", f"Invalid parameter value for prompt: {prompt}")


def _check_challenge(challenge: str | None, with_method: bool) -> None:
    if challenge is None:
        if with_method:
            raise AuthorizationRefused("invalid_request", "code_challenge_method without code_challenge")
    elif not _CHALLENGE.fullmatch(challenge):
        raise AuthorizationRefused("invalid_request", "Invalid parameter value for code_challenge")
