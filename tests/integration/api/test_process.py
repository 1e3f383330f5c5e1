import asyncio
from pathlib import Path

import httpx
import pytest

from slotsync.settings import Settings
from starter.local.processes import free_port, running_process, slotsync_command, wait_until_ready
from tests.support.api import Api
from tests.support.http import tls
from tests.support.settings import KEY

pytestmark = pytest.mark.anyio


def environment(settings: Settings, temporal: str, namespace: str = "default", **more: str) -> dict[str, str]:
    (key,) = settings.encryption_keys
    return {
        "TEMPORAL_ADDRESS": temporal,
        "TEMPORAL_NAMESPACE": namespace,
        "SLOTSYNC_DATABASE_URL": settings.database_url,
        "SLOTSYNC_ENCRYPTION_KEYS": key.get_secret_value(),
        **more,
    }


async def test_the_command_serves_until_sigterm_and_ends_well(api: Api, tmp_path: Path) -> None:
    port = free_port(0)
    client = api.world.client
    address = client.service_client.config.target_host
    answer = environment(api.world.settings, address, client.namespace, SLOTSYNC_API_KEYS=KEY)
    command = slotsync_command("api", "--port", str(port))
    async with (
        running_process("api", command, folder=tmp_path, environment=answer) as running,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=api.platform.headers, verify=tls()) as platform,
    ):

        async def ready() -> bool:
            try:
                return (await platform.get("/readyz")).is_success
            except httpx.TransportError:
                return False

        await wait_until_ready("api", ready, running, tmp_path)
        assert (await platform.get("/v1/merchants/m/google")).status_code == 200
        running.terminate()
        assert await asyncio.wait_for(running.wait(), 30) == 0
    log = (tmp_path / "api.log").read_text()
    assert "GET /v1/merchants/{merchant}/google 200" in log
    assert "Traceback" not in log
    assert KEY not in log


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ({}, "slotsync: SLOTSYNC_API_KEYS: is not set"),
        ({"SLOTSYNC_API_KEYS": KEY, "TEMPORAL_ADDRESS": "127.0.0.1:1"}, "slotsync: Temporal does not answer"),
        ({"SLOTSYNC_API_KEYS": KEY, "SLOTSYNC_ENCRYPTION_KEYS": ""}, "slotsync: SLOTSYNC_ENCRYPTION_KEYS: is not set"),
    ],
)
async def test_what_is_missing_is_one_clear_line(api: Api, tmp_path: Path, more: dict[str, str], line: str) -> None:
    answer = {**environment(api.world.settings, "127.0.0.1:1"), "SLOTSYNC_API_KEYS": "", **more}
    async with running_process("api", slotsync_command("api"), folder=tmp_path, environment=answer) as running:
        assert await asyncio.wait_for(running.wait(), 60) == 2
    (said,) = (each for each in (tmp_path / "api.log").read_text().splitlines() if "INFO" not in each)
    assert said.startswith(line)
