"""The endpoints that issue tokens for codes and refresh tokens, name the owner of a token, and revoke it."""

import binascii
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from urllib.parse import unquote_plus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from localgoogle.oauth.id_tokens import IdTokens
from localgoogle.protocol.arguments import read_bearer_token
from localgoogle.protocol.errors import BEARER_CHALLENGE
from localgoogle.protocol.json_values import JsonObject
from localgoogle.protocol.scopes import EMAIL, OPENID, canonical_scopes, join_scopes
from localgoogle.protocol.token_errors import EXPIRED_OR_REVOKED, TokenError
from localgoogle.state.accounts import GoogleAccounts
from localgoogle.state.grants import (
    ACCESS_TOKEN_LIFETIME,
    AuthorizationCode,
    Caller,
    InvalidCredentials,
    InvalidGrant,
    IssuedRefreshToken,
)


def error_response(error: TokenError) -> JSONResponse:
    """Return the response with this error."""
    return JSONResponse(error.body(), error.status)


def invalid_grant(description: str) -> TokenError:
    """Return the error for a code or refresh token that is unknown, expired, used or revoked."""
    return TokenError("invalid_grant", description)


def invalid_request(description: str) -> TokenError:
    """Return the error for a request without a required parameter."""
    return TokenError("invalid_request", description)


_NO_CACHE_HEADERS = {"Cache-Control": "no-cache, no-store, max-age=0, must-revalidate", "Pragma": "no-cache"}


class TokenEndpoint:
    """The endpoint ``POST /token``."""

    def __init__(self, accounts: GoogleAccounts, id_tokens: IdTokens) -> None:
        self._grants = accounts.grants
        self._id_tokens = id_tokens

    async def answer(self, request: Request) -> Response:
        """Return tokens, or the error."""
        form = {name: str(value) for name, value in (await request.form()).items()}
        try:
            tokens = self._issue_tokens(_with_basic_auth(form, request.headers.get("authorization", "")))
        except InvalidGrant:
            return error_response(invalid_grant(EXPIRED_OR_REVOKED))
        except TokenError as error:
            return error_response(error)
        return JSONResponse(tokens, headers=_NO_CACHE_HEADERS)

    def _issue_tokens(self, form: Mapping[str, str]) -> JsonObject:
        kind = _required_field(form, "grant_type")
        _required_field(form, "client_id")
        if kind == "authorization_code":
            return self._exchange_code(form)
        if kind == "refresh_token":
            return self._refresh(form)
        raise TokenError("unsupported_grant_type", f"Invalid grant_type: {kind}")

    def _exchange_code(self, form: Mapping[str, str]) -> JsonObject:
        public = not form.get("client_secret")
        if public and "code_verifier" not in form:
            raise _secret_missing_error()
        code = self._redeem_code(_required_field(form, "code"))
        _check_code(code, form)
        tokens = self._issue_access_token(code.caller, code.nonce)
        if code.with_refresh_token:
            tokens["refresh_token"] = self._grants.issue_refresh_token(code.caller, public=public)
        return tokens

    def _redeem_code(self, name: str) -> AuthorizationCode:
        try:
            return self._grants.redeem_code(name)
        except InvalidGrant:
            raise invalid_grant("Bad Request") from None

    def _refresh(self, form: Mapping[str, str]) -> JsonObject:
        token = self._grants.find_refresh_token(_required_field(form, "refresh_token"))
        _check_client(token, form)
        requested = canonical_scopes(form.get("scope", "").split())
        if requested - token.caller.scopes:
            raise TokenError("invalid_scope", "Bad Request")
        return self._issue_access_token(
            Caller(token.caller.email, token.caller.client_id, requested or token.caller.scopes)
        )

    def _issue_access_token(self, caller: Caller, nonce: str = "") -> JsonObject:
        access_token = self._grants.issue_access_token(caller)
        tokens: JsonObject = {
            "access_token": access_token,
            "expires_in": int(ACCESS_TOKEN_LIFETIME.total_seconds()),
            "scope": join_scopes(caller.scopes),
            "token_type": "Bearer",
        }
        if OPENID in caller.scopes:
            tokens["id_token"] = self._id_tokens.issue(caller, access_token, nonce)
        return tokens


class TokenOwnerEndpoints:
    """The endpoints ``/oauth2/v3/userinfo`` and ``/revoke``."""

    def __init__(self, accounts: GoogleAccounts) -> None:
        self._accounts = accounts

    async def userinfo(self, request: Request) -> Response:
        """Return the account's number, and its address if the token has the scope for it."""
        try:
            caller = self._find_caller(request)
        except InvalidCredentials:
            response = error_response(TokenError("invalid_request", "Invalid Credentials", 401))
            response.headers["WWW-Authenticate"] = BEARER_CHALLENGE
            return response
        owner: JsonObject = {"sub": self._accounts.get(caller.email).sub}
        if EMAIL in caller.scopes:
            owner |= {"email": caller.email, "email_verified": True}
        return JSONResponse(owner)

    async def revoke(self, request: Request) -> Response:
        """Revoke the grant that an access token or a refresh token belongs to."""
        form = await request.form()
        token = str(form.get("token") or request.query_params.get("token") or "")
        if not token:
            return error_response(invalid_request("Missing required parameter: token"))
        try:
            self._accounts.grants.revoke_token(token)
        except InvalidGrant:
            return error_response(TokenError("invalid_token", "Token expired or revoked"))
        return JSONResponse({})

    def _find_caller(self, request: Request) -> Caller:
        token = read_bearer_token(request.headers.get("authorization", ""))
        if token is None:
            token = request.query_params.get("access_token", "").strip()
        caller = self._accounts.find_caller(token)
        if not caller.scopes & {OPENID, EMAIL}:
            raise InvalidCredentials
        return caller


def _with_basic_auth(form: Mapping[str, str], header: str) -> Mapping[str, str]:
    """Return the form, with the client's id and secret from the header if the header has them."""
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
        raise _secret_missing_error()


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
    if verifier and _build_challenge(verifier, code.challenge_method) != code.challenge:
        raise invalid_grant("Invalid code verifier.")


def _build_challenge(verifier: str, method: str) -> str:
    if method == "plain":
        return verifier
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")


def _secret_missing_error() -> TokenError:
    return TokenError("invalid_client", "client_secret is missing.", 401)
