"""Errors of the token endpoints, in Google's shape."""

from starlette.responses import JSONResponse


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
