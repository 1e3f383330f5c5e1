"""A settings page for all tests of a module, over HTTP; each test has a merchant of its own."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from uuid import uuid4

import pytest

from localgoogle.options import LocalGoogleOptions
from localgoogle.server import RunningLocalGoogle, running_local_google
from tests.support.site import Site, running_site


@pytest.fixture(scope="module")
def local_google() -> Iterator[RunningLocalGoogle]:
    with running_local_google(LocalGoogleOptions.unlimited()) as running:
        yield running


@pytest.fixture(scope="module")
async def module_site(
    local_google: RunningLocalGoogle, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    async with running_site(local_google, tmp_path_factory.mktemp("site")) as site:
        yield site


@pytest.fixture
def site(module_site: Site) -> Site:
    """The page of a merchant that no other test knows."""
    merchant = f"merchant-{uuid4().hex[:12]}"
    return replace(module_site, merchant=merchant, email=f"{merchant}@gmail.example")
