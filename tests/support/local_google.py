"""Clients, tokens and event bodies for tests of the local Google."""

from collections.abc import Callable

import httpx

from localgoogle.local_google import LocalGoogle
from localgoogle.state.grants import Caller

ANNA = "anna@example.com"
AUTH = "https://www.googleapis.com/auth/"


class ApiClient(httpx.Client):
    """An HTTP client with one user's token, at the API's root."""

    def __init__(self, url: str, token: str) -> None:
        super().__init__(base_url=f"{url}/calendar/v3", headers={"Authorization": f"Bearer {token}"}, timeout=10)


SignIn = Callable[..., ApiClient]


def token_for(google_state: LocalGoogle, *scopes: str, client_id: str = "app", email: str = ANNA) -> str:
    """Return an access token, as if the user had just consented to these scopes."""
    caller = Caller(email, client_id, frozenset(AUTH + scope for scope in scopes))
    google_state.accounts.grants.consent(caller)
    return google_state.accounts.grants.issue_access_token(caller)


def timed(start: str = "2026-12-01T10:00:00Z", end: str = "2026-12-01T11:00:00Z", **more: object) -> dict[str, object]:
    """Return the body of a timed event."""
    return {"summary": "Tour", "start": {"dateTime": start}, "end": {"dateTime": end}, **more}


def reason(response: httpx.Response) -> tuple[int, str]:
    """Return the status and the reason of an error."""
    return response.status_code, response.json()["error"]["errors"][0]["reason"]
