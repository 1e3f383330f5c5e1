"""The pytest fixture ``local_google``: a Google Calendar for each test, empty at its start and without quotas.

pytest loads this module through the entry point ``pytest11`` as soon as the package is installed, so it imports nothing
heavy: the server is imported when a test uses the fixture for the first time. One server runs for the whole session (in
each worker of pytest-xdist) and is reset before each test.
"""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from google.oauth2.credentials import Credentials
    from googleapiclient._apis.calendar.v3.resources import CalendarResource

    from localgoogle.local_google import LocalGoogle
    from localgoogle.options import LocalGoogleOptions
    from localgoogle.server import RunningLocalGoogle
    from localgoogle.state.call_log import LoggedCall

CLIENT_ID = "local-google-client"
"""The OAuth client that credentials are for unless the test names another one."""


class LocalGoogleFixture:
    """The local Google of one test. ``url`` is its address; ``state`` is all that it holds, for reads and checks."""

    def __init__(self, running: "RunningLocalGoogle") -> None:
        self.url = running.url
        self.state: LocalGoogle = running.google
        self._services = ExitStack()

    def create_account(self, email: str, time_zone: str = "UTC") -> None:
        """Create a Google account with a primary calendar in this IANA time zone."""
        self.state.create_account(email, time_zone)

    def create_credentials(self, email: str, scopes: Iterable[str], client_id: str = CLIENT_ID) -> "Credentials":
        """Return credentials for google-auth, as if the user had granted the app these scopes.

        Raises:
            KeyError: there is no account with this address.
        """
        from google.oauth2.credentials import Credentials  # noqa: PLC0415  only tests that use the fixture need it

        granted = list(scopes)
        return Credentials(  # type: ignore[no-untyped-call]  # google-auth is typed in part
            token=None,
            refresh_token=self.state.accounts.grant(email, client_id, granted),
            token_uri=f"{self.url}/token",
            client_id=client_id,
            client_secret="local",  # noqa: S106  the local Google accepts any
            scopes=granted,
        )

    def build_calendar_service(self, email: str, scopes: Iterable[str]) -> "CalendarResource":
        """Return a Calendar v3 service of google-api-python-client that acts for the account; it is closed for you.

        Raises:
            KeyError: there is no account with this address.
        """
        from googleapiclient.discovery import build_from_document  # type: ignore[attr-defined]  # noqa: PLC0415

        from localgoogle.protocol.discovery import calendar_v3  # noqa: PLC0415

        # The option api_endpoint would not do: with it, the library still sends batches to the real Google.
        document = calendar_v3().document | {"rootUrl": f"{self.url}/"}
        service: CalendarResource = build_from_document(document, credentials=self.create_credentials(email, scopes))
        self._services.callback(service.close)
        return service

    def set_fault(self, kind: str, method: str = "*", **fields: object) -> None:
        """Make calls fail from now on: once, unless ``fields`` has a ``count`` or a ``probability``.

        ``fields`` are the other fields of ``POST /sandbox/faults``.

        Raises:
            ValueError: there is no such kind, method or field; the message names them all.
        """
        from localgoogle.faults.faults import NewFault  # noqa: PLC0415

        self.state.set_fault(NewFault.model_validate({"kind": kind, "method": method, **fields}))

    def clear_faults(self) -> None:
        """Remove all faults, and quotas that were set as faults."""
        self.state.faults.clear()
        self.state.restore_quotas()

    def list_calls(self, method: str = "", account: str = "") -> "list[LoggedCall]":
        """Return the calls of this test, oldest first; an empty filter fits all."""
        return self.state.calls.find(method, account)

    def close(self) -> None:
        """Close all services that were built."""
        self._services.close()


@pytest.fixture(scope="session")
def local_google_options() -> "LocalGoogleOptions":
    """Return the options of the server: no quotas. Override this fixture to change them."""
    from localgoogle.options import LocalGoogleOptions  # noqa: PLC0415

    return LocalGoogleOptions.unlimited()


@pytest.fixture(scope="session")
def local_google_server(local_google_options: "LocalGoogleOptions") -> "Iterator[RunningLocalGoogle]":
    """Run one server for the session, on a free port."""
    from localgoogle.server import running_local_google  # noqa: PLC0415

    with running_local_google(local_google_options) as running:
        yield running


@pytest.fixture
def local_google(local_google_server: "RunningLocalGoogle") -> Iterator[LocalGoogleFixture]:
    """Yield an empty Google, and close the services that the test built."""
    local_google_server.google.reset()
    google = LocalGoogleFixture(local_google_server)
    yield google
    google.close()
