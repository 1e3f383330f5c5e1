"""The token endpoint: exchange codes and refresh tokens for access tokens, and the errors in Google's shape."""

import binascii
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from urllib.parse import unquote_plus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from localgoogle.oauth.id_token import IdTokens
from localgoogle.oauth.scopes import OPENID, join_scopes
from localgoogle.protocol.json_values import JsonObject
from localgoogle.state.accounts import GoogleAccounts
from localgoogle.state.grants import (
    ACCESS_TOKEN_LIFETIME,
    AuthorizationCode,
    Caller,
    InvalidGrant,
    IssuedRefreshToken,
    canonical_scopes,
)


class TokenError(Exception):
    """Why there are no tokens."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error = error
        self.description = description
        self.status = status

    def response(self) -> JSONResponse:
        """The answer that says so."""
        return JSONResponse({"error": self.error, "error_description": self.description}, self.status)


def invalid_grant(description: str) -> TokenError:
    """The code or refresh token is good for nothing."""
    return TokenError("invalid_grant", description)


def invalid_request(description: str) -> TokenError:
    """The request lacks something."""
    return TokenError("invalid_request", description)


_NO_CACHE_HEADERS = {"Cache-Control": "no-cache, no-store, max-age=0, must-revalidate", "Pragma": "no-cache"}


class TokenEndpoint:
    """Answers ``POST /token``."""

    def __init__(self, accounts: GoogleAccounts, id_tokens: IdTokens) -> None:
        self._grants = accounts.grants
        self._id_tokens = id_tokens

    async def answer(self, request: Request) -> Response:
        """Tokens, or why there are none."""
        form = {name: str(value) for name, value in (await request.form()).items()}
        try:
            answer = self._tokens(_with_basic_auth(form, request.headers.get("authorization", "")))
        except InvalidGrant:
            return invalid_grant("Token has been expired or revoked.").response()
        except TokenError as error:
            return error.response()
        return JSONResponse(answer, headers=_NO_CACHE_HEADERS)

    def _tokens(self, form: Mapping[str, str]) -> JsonObject:
        kind = _required_field(form, "grant_type")
        _required_field(form, "client_id")
        if kind == "authorization_code":
            return self._redeem(form)
        if kind == "refresh_token":
            return self._refresh(form)
        raise TokenError("unsupported_grant_type", f"Invalid grant_type: {kind}")

    def _redeem(self, form: Mapping[str, str]) -> JsonObject:
        public = not form.get("client_secret")
        if public and "code_verifier" not in form:
            raise _secret_missing()
        code = self._code(_required_field(form, "code"))
        _check_code(code, form)
        answer = self._access(code.caller, code.nonce)
        if code.with_refresh_token:
            answer["refresh_token"] = self._grants.issue_refresh_token(code.caller, public=public)
        return answer

    def _code(self, name: str) -> AuthorizationCode:
        try:
            return self._grants.redeem(name)
        except InvalidGrant:
            raise invalid_grant("Bad Request") from None

    def _refresh(self, form: Mapping[str, str]) -> JsonObject:
        token = self._grants.refresh_token(_required_field(form, "refresh_token"))
        _check_client(token, form)
        asked = canonical_scopes(form.get("scope", "").split())
        if asked - token.caller.scopes:
            raise TokenError("invalid_scope", "Bad Request")
        return self._access(Caller(token.caller.email, token.caller.client_id, asked or token.caller.scopes))

    def _access(self, caller: Caller, nonce: str = "") -> JsonObject:
        access_token = self._grants.issue_access_token(caller)
        answer: JsonObject = {
            "access_token": access_token,
            "expires_in": int(ACCESS_TOKEN_LIFETIME.total_seconds()),
            "scope": join_scopes(caller.scopes),
            "token_type": "Bearer",
        }
        if OPENID in caller.scopes:
            answer["id_token"] = self._id_tokens.issue(caller, access_token, nonce)
        return answer


def _with_basic_auth(form: Mapping[str, str], header: str) -> Mapping[str, str]:
    """The form, with the client's name and secret from the header where it has them."""
    scheme, _, credentials = header.partition(" ")
    if scheme.lower() != "basic":
        return form
    try:
        client_id, _, secret = b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise TokenError("invalid_client", "The OAuth client was not found.", 401) from None
    return {**form, "client_id": unquote_plus(client_id), "client_secret": unquote_plus(secret)}


def _required_field(form: Mapping[str, str], name: str) -> str:
    if not form.get(name):
        raise invalid_request(f"Missing required parameter: {name}")
    return form[name]


def _check_client(token: IssuedRefreshToken, form: Mapping[str, str]) -> None:
    if token.caller.client_id != form["client_id"]:
        raise TokenError("unauthorized_client", "Unauthorized", 401)
    if not token.public and not form.get("client_secret"):
        raise _secret_missing()


def _check_code(code: AuthorizationCode, form: Mapping[str, str]) -> None:
    if code.caller.client_id != form["client_id"]:
        raise invalid_grant("Bad Request")
    if code.redirect_uri != form.get("redirect_uri"):
        raise TokenError("redirect_uri_mismatch", "Bad Request")
    verifier = form.get("code_verifier")
    if code.challenge and not verifier:
        raise invalid_grant("Missing code verifier.")
    if verifier and not code.challenge:
        raise invalid_grant("code_verifier or verification_method is not needed.")
    if verifier and _challenge(verifier, code.challenge_method) != code.challenge:
        raise invalid_grant("Invalid code verifier.")


def _challenge(verifier: str, method: str) -> str:
    if method == "plain":
        return verifier
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")


def _secret_missing() -> TokenError:
    return TokenError("invalid_client", "client_secret is missing.", 401)
