"""The endpoints for the holder of a token: whose token it is, and its revocation."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from localgoogle.oauth.scopes import EMAIL, OPENID
from localgoogle.oauth.token_endpoint import TokenError, invalid_request
from localgoogle.state.accounts import GoogleAccounts
from localgoogle.state.grants import Caller, InvalidCredentials, InvalidGrant


class UserinfoAndRevokeEndpoints:
    """Answers ``/oauth2/v3/userinfo`` and ``/revoke``."""

    def __init__(self, accounts: GoogleAccounts) -> None:
        self._accounts = accounts

    async def userinfo(self, request: Request) -> Response:
        """The account's number, and its address where the token has the scope for it."""
        try:
            caller = self._caller(request)
        except InvalidCredentials:
            response = TokenError("invalid_request", "Invalid Credentials", 401).response()
            response.headers["WWW-Authenticate"] = 'Bearer realm="https://accounts.google.com/", error="invalid_token"'
            return response
        about: dict[str, object] = {"sub": self._accounts.get(caller.email).sub}
        if EMAIL in caller.scopes:
            about |= {"email": caller.email, "email_verified": True}
        return JSONResponse(about)

    async def revoke(self, request: Request) -> Response:
        """Ends the grant behind an access token or a refresh token."""
        form = await request.form()
        token = str(form.get("token") or request.query_params.get("token") or "")
        if not token:
            return invalid_request("Missing required parameter: token").response()
        try:
            self._accounts.grants.revoke_token(token)
        except InvalidGrant:
            return TokenError("invalid_token", "Token expired or revoked").response()
        return JSONResponse({})

    def _caller(self, request: Request) -> Caller:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            token = request.query_params.get("access_token", "")
        caller = self._accounts.caller(token.strip())
        if not caller.scopes & {OPENID, EMAIL}:
            raise InvalidCredentials
        return caller
