"""A shared local Google; each scenario has an account, a client and a calendar of its own."""

from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest

from localgoogle.options import LocalGoogleOptions
from localgoogle.server import running_local_google
from tests.support.clocks import ShiftedClock
from tests.support.google_clients.calendar_client import CalendarClient
from tests.support.google_clients.conformance import faults
from tests.support.google_clients.connecting import KINDS, Connector
from tests.support.google_clients.controls import LocalGoogleControls
from tests.support.google_clients.gcsa_client import GcsaClient
from tests.support.google_clients.node_client import NodeProcess, install
from tests.support.google_clients.python_client import PythonClient
from tests.support.google_clients.recording import Recorder
from tests.support.http import tls


@pytest.fixture(scope="session")
def clock() -> ShiftedClock:
    return ShiftedClock()


@pytest.fixture(scope="session")
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture(scope="session")
def controls(recorder: Recorder, clock: ShiftedClock) -> Iterator[LocalGoogleControls]:
    with (
        running_local_google(LocalGoogleOptions(clock=clock), wrap=recorder.around) as running,
        httpx.Client(verify=tls()) as http,
    ):
        yield LocalGoogleControls(running.url, http)


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
def email(controls: LocalGoogleControls) -> str:
    email = f"{uuid4().hex[:12]}@example.com"
    controls.create_account(email, "Europe/Oslo")
    return email


@pytest.fixture
def connect(
    kind: str, controls: LocalGoogleControls, email: str, request: pytest.FixtureRequest
) -> Iterator[Connector]:
    """Creates more clients of the same kind for the same account."""
    drivers = {"python": PythonClient.connect, "gcsa": GcsaClient.connect}
    driver = drivers.get(kind) or request.getfixturevalue("node").connect
    connector = Connector(controls, email, driver)
    yield connector
    connector.close()


@pytest.fixture
def client(connect: Connector) -> CalendarClient:
    """A client with the scopes that slotsync asks for."""
    return connect()


@pytest.fixture
def calendar_id(client: CalendarClient) -> str:
    """The id of a calendar that the client made."""
    return client.create_calendar({"summary": "Sunset tour", "timeZone": "Europe/Oslo"})["id"]
