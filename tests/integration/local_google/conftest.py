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
from tests.support.local_google import ANNA, ApiClient, SignIn, token_for


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
