"""The Google adapter with an answering server and with the local Google."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from localgoogle.options import LocalGoogleOptions
from localgoogle.server import running_local_google
from slotsync.google.calendars import GoogleCalendars
from slotsync.google.service import GoogleServices
from tests.support.adapter_harness import EMAIL, SCOPES, SHORT_TIMEOUT, SPEC, AdapterHarness
from tests.support.answering_server import AnsweringServer, serving_answers
from tests.support.http import tls
from tests.support.memory_grants import MemoryGrant, MemoryGrants
from tests.support.settings import settings_at


@pytest.fixture
def answering() -> Iterator[AnsweringServer]:
    with serving_answers(AnsweringServer()) as server:
        yield server


@pytest.fixture
def grants() -> MemoryGrants:
    return MemoryGrants({"c-1": MemoryGrant("refresh-1", "stored", datetime.now(UTC) + timedelta(hours=1))})


@pytest.fixture
def answered(answering: AnsweringServer, grants: MemoryGrants) -> Iterator[GoogleServices]:
    """Services that talk to the answering server."""
    with closing(GoogleServices(settings_at(answering.url), grants, timeout=timedelta(seconds=5))) as services:
        yield services


@pytest.fixture(scope="session")
def shared_google_url() -> Iterator[str]:
    with running_local_google(LocalGoogleOptions.unlimited()) as running:
        yield running.url


@pytest.fixture
def google_url(request: pytest.FixtureRequest, shared_google_url: str) -> Iterator[str]:
    """The URL of the local Google. Tests of slow answers have their own: late answers must not reach the next test."""
    if "slow" not in request.node.name:
        yield shared_google_url
        return
    with running_local_google(LocalGoogleOptions.unlimited()) as running:
        yield running.url


@pytest.fixture
def timeout(request: pytest.FixtureRequest) -> timedelta:
    """The timeout for calls. It is short in tests of slow answers only: a busy machine is slow too."""
    return SHORT_TIMEOUT if "slow" in request.node.name else timedelta(seconds=15)


@pytest.fixture
def empty_adapter(google_url: str, timeout: timedelta) -> Iterator[AdapterHarness]:
    """A connected account without a managed calendar."""
    grants = MemoryGrants()
    services = GoogleServices(settings_at(google_url), grants, timeout=timeout)
    with httpx.Client(base_url=google_url, verify=tls()) as controls, closing(services):
        controls.post("/sandbox/reset").raise_for_status()
        world = AdapterHarness(controls, grants, services)
        world.connect("c-1", EMAIL, SCOPES)
        yield world


@pytest.fixture
def adapter(google_url: str, empty_adapter: AdapterHarness) -> AdapterHarness:
    """A connected account with a managed calendar, which is made without a short timeout."""
    with closing(GoogleServices(settings_at(google_url), empty_adapter.grants)) as services:
        empty_adapter.calendar_id = GoogleCalendars(services).create("c-1", SPEC)
    empty_adapter.forget_calls()
    return empty_adapter
