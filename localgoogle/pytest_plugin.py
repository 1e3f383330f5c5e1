"""The pytest fixture ``local_google``: a Google for each test, empty at its start and without quotas.

One server runs for the whole session and is reset before each test. Loaded by pytest through the entry point
``pytest11`` once the package is installed; the server itself is imported when a test first asks for the fixture.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from google.oauth2.credentials import Credentials
    from googleapiclient._apis.calendar.v3 import CalendarResource

    from localgoogle.local_google import LocalGoogle
    from localgoogle.server import RunningLocalGoogle

CLIENT_ID = "local-google-client"


class LocalGoogleFixture:
    """What a test does to the local Google; ``url`` is its address, ``state`` everything that it knows."""

    def __init__(self, running: "RunningLocalGoogle") -> None:
        self.url = running.url
        self.state: LocalGoogle = running.google

    def create_account(self, email: str, time_zone: str = "UTC") -> None:
        """Create a Google account with a primary calendar."""
        self.state.create_account(email, time_zone)

    def credentials(self, email: str, scopes: Iterable[str]) -> "Credentials":
        """Return credentials of the account for google-auth, granted without a browser."""
        from google.oauth2.credentials import Credentials  # noqa: PLC0415  only tests that use the fixture need it

        wanted = list(scopes)
        refresh_token = self.state.accounts.grant(email, CLIENT_ID, wanted)
        return Credentials(  # type: ignore[no-untyped-call]  # google-auth is typed in part
            token=None,
            refresh_token=refresh_token,
            token_uri=f"{self.url}/token",
            client_id=CLIENT_ID,
            client_secret="local",  # noqa: S106  any will do
            scopes=wanted,
        )

    def calendar_service(self, email: str, scopes: Iterable[str]) -> "CalendarResource":
        """Return a Calendar v3 service of google-api-python-client that acts for the account."""
        from googleapiclient.discovery import build  # noqa: PLC0415

        options = {"api_endpoint": self.url}
        return build("calendar", "v3", credentials=self.credentials(email, scopes), client_options=options)

    def set_fault(self, **fault: object) -> None:
        """Let Google fail from the next call on; the fields are those of ``POST /sandbox/faults``."""
        from localgoogle.faults.faults import NewFault  # noqa: PLC0415

        self.state.set_fault(NewFault.model_validate(fault))


@pytest.fixture(scope="session")
def local_google_server() -> "Iterator[RunningLocalGoogle]":
    """The server of the session, without quotas, on a free port."""
    from localgoogle.options import LocalGoogleOptions  # noqa: PLC0415
    from localgoogle.server import running_local_google  # noqa: PLC0415

    with running_local_google(LocalGoogleOptions.unlimited()) as running:
        yield running


@pytest.fixture
def local_google(local_google_server: "RunningLocalGoogle") -> LocalGoogleFixture:
    """An empty Google."""
    local_google_server.google.reset()
    return LocalGoogleFixture(local_google_server)
