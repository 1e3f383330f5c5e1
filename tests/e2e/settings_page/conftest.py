"""A merchant's settings page, over HTTP."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from localgoogle.server import RunningLocalGoogle
from tests.support.site import Site, running_site


@pytest.fixture
async def site(local_google: RunningLocalGoogle, tmp_path: Path) -> AsyncIterator[Site]:
    async with running_site(local_google, tmp_path) as site:
        yield site
