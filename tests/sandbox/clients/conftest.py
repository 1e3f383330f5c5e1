"""One local Google for all scenarios; an account, a client and a calendar of its own for each."""

from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest

from localgoogle.options import LocalGoogleOptions
from localgoogle.server import running_local_google
from tests.sandbox.clients.calendar_client import CalendarClient
from tests.sandbox.clients.clock import Clock
from tests.sandbox.clients.conformance import faults
from tests.sandbox.clients.connecting import KINDS, Connector
from tests.sandbox.clients.controls import Controls
from tests.sandbox.clients.gcsa_client import GcsaClient
from tests.sandbox.clients.node_client import NodeProcess, install
from tests.sandbox.clients.python_client import PythonClient
from tests.sandbox.clients.recording import Recorder


@pytest.fixture(scope="session")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture(scope="session")
def google(recorder: Recorder, clock: Clock) -> Iterator[Controls]:
    with running_local_google(LocalGoogleOptions(clock=clock), wrap=recorder.around) as sandbox, httpx.Client() as http:
        yield Controls(sandbox.url, http)


@pytest.fixture(autouse=True)
def every_exchange_is_as_google_describes_it(recorder: Recorder) -> Iterator[None]:
    recorder.take()
    yield
    assert [fault for exchange in recorder.take() for fault in faults(exchange)] == []


@pytest.fixture(scope="session")
def node() -> Iterator[NodeProcess]:
    install()
    process = NodeProcess()
    yield process
    process.stop()


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def account(google: Controls) -> str:
    email = f"{uuid4().hex[:12]}@example.com"
    google.create_account(email, "Europe/Oslo")
    return email


@pytest.fixture
def connect(kind: str, google: Controls, account: str, request: pytest.FixtureRequest) -> Iterator[Connector]:
    """Makes more clients of the same kind for the same account."""
    drivers = {"python": PythonClient.connect, "gcsa": GcsaClient.connect}
    driver = drivers.get(kind) or request.getfixturevalue("node").connect
    connector = Connector(google, account, driver)
    yield connector
    connector.close()


@pytest.fixture
def client(connect: Connector) -> CalendarClient:
    """A client with the scopes that slotsync asks for."""
    return connect()


@pytest.fixture
def calendar(client: CalendarClient) -> str:
    """The id of a calendar that the client made."""
    return client.create_calendar({"summary": "Sunset tour", "timeZone": "Europe/Oslo"})["id"]
