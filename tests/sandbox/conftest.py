"""One local Google for all tests of it, emptied before each."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build

from localgoogle.local_google import LocalGoogle
from localgoogle.options import LocalGoogleOptions
from localgoogle.server import RunningLocalGoogle, running_local_google
from localgoogle.state.grants import Caller

ANNA = "anna@example.com"
SCOPES = "https://www.googleapis.com/auth/"
START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class SettableClock:
    """Stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> None:
        self.now += by


class ApiClient(httpx.Client):
    """An HTTP client with one user's token, at the API's root."""

    def __init__(self, url: str, token: str) -> None:
        super().__init__(base_url=f"{url}/calendar/v3", headers={"Authorization": f"Bearer {token}"}, timeout=10)


SignIn = Callable[..., ApiClient]


@pytest.fixture(scope="session")
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture(scope="session")
def running(clock: SettableClock) -> Iterator[RunningLocalGoogle]:
    with running_local_google(LocalGoogleOptions(clock=clock, push_backoff=timedelta(milliseconds=5))) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: RunningLocalGoogle, controls: httpx.Client, clock: SettableClock) -> RunningLocalGoogle:
    """Empty but for Anna, who lives in Oslo."""
    controls.delete("/faults")
    controls.post("/reset")
    clock.advance(timedelta(hours=5))
    controls.post("/accounts", json={"email": ANNA, "time_zone": "Europe/Oslo"})
    return running


@pytest.fixture(scope="session")
def controls(running: RunningLocalGoogle) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{running.url}/sandbox", timeout=10) as client:
        yield client


@pytest.fixture
def google(sandbox: RunningLocalGoogle) -> LocalGoogle:
    return sandbox.google


@pytest.fixture
def sign_in(sandbox: RunningLocalGoogle) -> Iterator[SignIn]:
    """Makes clients: ``sign_in("calendar", client_id="other", email=...)``."""
    clients: list[ApiClient] = []

    def sign_in(*scopes: str, client_id: str = "app", email: str = ANNA) -> ApiClient:
        client = ApiClient(sandbox.url, token_for(sandbox.google, *scopes, client_id=client_id, email=email))
        clients.append(client)
        return client

    yield sign_in
    for client in clients:
        client.close()


@pytest.fixture
def api(sign_in: SignIn) -> ApiClient:
    """Anna's client, which may do everything."""
    return sign_in("calendar")


@pytest.fixture
def calendar(api: ApiClient) -> str:
    """The path of a calendar that the app made for Anna."""
    made = api.post("/calendars", json={"summary": "Sunset tour", "timeZone": "Europe/Oslo"}).json()
    return f"/calendars/{made['id']}"


@pytest.fixture
def service(sandbox: RunningLocalGoogle) -> Iterator[Any]:
    """The real Python client."""
    credentials = Credentials(token_for(sandbox.google, "calendar"))  # type: ignore[no-untyped-call]  # google-auth's
    endpoint = {"api_endpoint": f"{sandbox.url}/calendar/v3/"}
    client = build("calendar", "v3", credentials=credentials, client_options=endpoint)
    yield client
    client.close()


def token_for(google: LocalGoogle, *scopes: str, client_id: str = "app", email: str = ANNA) -> str:
    """An access token, as if the user had just consented."""
    caller = Caller(email, client_id, frozenset(SCOPES + scope for scope in scopes))
    google.accounts.grants.consent(caller)
    return google.accounts.grants.issue_access_token(caller)


def timed(start: str = "2026-12-01T10:00:00Z", end: str = "2026-12-01T11:00:00Z", **more: object) -> dict[str, object]:
    """The body of an event."""
    return {"summary": "Tour", "start": {"dateTime": start}, "end": {"dateTime": end}, **more}


def reason(response: httpx.Response) -> tuple[int, str]:
    """What an error says: its status and its reason."""
    return response.status_code, response.json()["error"]["errors"][0]["reason"]
