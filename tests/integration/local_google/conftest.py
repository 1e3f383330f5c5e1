"""One local Google for all tests of it, emptied before each."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build

from localgoogle.local_google import LocalGoogle
from localgoogle.options import LocalGoogleOptions
from localgoogle.server import RunningLocalGoogle, running_local_google
from tests.support.clocks import SettableClock
from tests.support.http import tls
from tests.support.local_google import ANNA, ApiClient, SignIn, token_for


@pytest.fixture(scope="session")
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture(scope="session")
def local_google_server(clock: SettableClock) -> Iterator[RunningLocalGoogle]:
    with running_local_google(LocalGoogleOptions(clock=clock, push_backoff=timedelta(milliseconds=5))) as running:
        yield running


@pytest.fixture
def local_google(
    local_google_server: RunningLocalGoogle, controls_http: httpx.Client, clock: SettableClock
) -> RunningLocalGoogle:
    """The shared local Google, emptied, with one account: Anna, in the zone Europe/Oslo."""
    controls_http.delete("/faults")
    controls_http.post("/reset")
    clock.advance(timedelta(hours=5))
    controls_http.post("/accounts", json={"email": ANNA, "time_zone": "Europe/Oslo"})
    return local_google_server


@pytest.fixture(scope="session")
def controls_http(local_google_server: RunningLocalGoogle) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{local_google_server.url}/sandbox", timeout=10, verify=tls()) as client:
        yield client


@pytest.fixture
def google_state(local_google: RunningLocalGoogle) -> LocalGoogle:
    return local_google.google


@pytest.fixture
def sign_in(local_google: RunningLocalGoogle) -> Iterator[SignIn]:
    """Creates clients: ``sign_in("calendar", client_id="other", email=...)``."""
    clients: list[ApiClient] = []

    def sign_in(*scopes: str, client_id: str = "app", email: str = ANNA) -> ApiClient:
        client = ApiClient(local_google.url, token_for(local_google.google, *scopes, client_id=client_id, email=email))
        clients.append(client)
        return client

    yield sign_in
    for client in clients:
        client.close()


@pytest.fixture
def calendar_api(sign_in: SignIn) -> ApiClient:
    """Anna's client, which may do everything."""
    return sign_in("calendar")


@pytest.fixture
def calendar_path(calendar_api: ApiClient) -> str:
    """The path of a calendar that the app made for Anna."""
    made = calendar_api.post("/calendars", json={"summary": "Sunset tour", "timeZone": "Europe/Oslo"}).json()
    return f"/calendars/{made['id']}"


@pytest.fixture
def service(local_google: RunningLocalGoogle) -> Iterator[Any]:
    """The real Python client."""
    credentials = Credentials(token_for(local_google.google, "calendar"))  # type: ignore[no-untyped-call]  # google-auth's
    endpoint = {"api_endpoint": f"{local_google.url}/calendar/v3/"}
    client = build("calendar", "v3", credentials=credentials, client_options=endpoint)
    yield client
    client.close()
