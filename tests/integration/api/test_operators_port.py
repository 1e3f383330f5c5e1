"""What is for operators can be put on a port of its own, and is then nowhere else."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from starter.local.processes import running_process, slotsync_command, wait_until_ready
from tests.support.api import Api
from tests.support.http import tls
from tests.support.processes import environment_of, free_ports

pytestmark = pytest.mark.anyio

OPERATORS = ("/readyz", "/metrics", "/docs", "/openapi.json", "/docs/assets/swagger-ui.css")


@pytest.fixture
async def ports(api: Api, tmp_path: Path) -> AsyncIterator[tuple[httpx.AsyncClient, httpx.AsyncClient]]:
    """Yield clients of both ports of a process: that of the API, and that of its operators."""
    mine, operators = free_ports(2)
    environment = environment_of(api.world.settings, api.world.client) | {"SLOTSYNC_OPERATORS_PORT": str(operators)}
    command = slotsync_command("api", "--port", str(mine))
    async with (
        running_process("api", command, folder=tmp_path, environment=environment) as running,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{mine}", headers=api.platform.headers, verify=tls()) as public,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{operators}", verify=tls()) as private,
    ):

        async def ready() -> bool:
            try:
                return (await private.get("/readyz")).is_success and (await public.get("/healthz")).is_success
            except httpx.TransportError:
                return False

        await wait_until_ready("api", ready, running, tmp_path)
        yield public, private
        running.terminate()
        assert await running.wait() == 0
    assert "Traceback" not in (tmp_path / "api.log").read_text()


async def test_operators_paths_are_on_their_own_port_only(
    ports: tuple[httpx.AsyncClient, httpx.AsyncClient], merchant: str
) -> None:
    public, private = ports
    assert {(await public.get(path)).status_code for path in OPERATORS} == {404}
    assert {path: (await private.get(path)).status_code for path in OPERATORS} == dict.fromkeys(OPERATORS, 200)
    assert (await public.get(f"/v1/merchants/{merchant}/google")).status_code == 200
    assert (await private.get(f"/v1/merchants/{merchant}/google")).status_code == 404
    assert "/v1/merchants/{merchant}/google" in (await private.get("/openapi.json")).json()["paths"]
    assert 'route="/v1/merchants/{merchant}/google",status="200"' in (await private.get("/metrics")).text
    assert {(await each.get("/healthz")).status_code for each in ports} == {200}


async def test_without_that_port_they_are_where_the_api_is(api: Api) -> None:
    assert {(await api.stranger.get(path)).status_code for path in OPERATORS} == {200}
