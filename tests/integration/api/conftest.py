"""A shared API over HTTP; each test has a merchant of its own."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import SecretStr

from localgoogle.options import LocalGoogleOptions
from localgoogle.server import RunningLocalGoogle, running_local_google
from slotsync.settings import Settings
from tests.support.api import Api, api_with
from tests.support.settings import KEY, OLD_KEY, PUBLIC_URL, settings_for


@pytest.fixture(scope="session")
def local_google() -> Iterator[RunningLocalGoogle]:
    with running_local_google(LocalGoogleOptions.unlimited()) as running:
        yield running


@pytest.fixture(scope="session")
def settings(local_google: RunningLocalGoogle, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    defaults = settings_for(local_google.url, tmp_path_factory.mktemp("api"))
    return defaults.model_copy(update={"api_keys": (SecretStr(KEY), SecretStr(OLD_KEY)), "public_url": PUBLIC_URL})


@pytest.fixture(scope="session")
async def api(settings: Settings) -> AsyncIterator[Api]:
    """A shared world; each test has a merchant of its own in it."""
    async with api_with(settings) as built:
        yield built


@pytest.fixture
async def quiet_api(settings: Settings, tmp_path: Path) -> AsyncIterator[Api]:
    """An API with a world of its own: its workers need not carry out first what all tests before have reported."""
    own = settings.model_copy(update={"database_url": f"sqlite:///{tmp_path}/slotsync.db"})
    async with api_with(own) as built:
        yield built


@pytest.fixture
def merchant() -> str:
    return f"merchant-{uuid4().hex[:12]}"
