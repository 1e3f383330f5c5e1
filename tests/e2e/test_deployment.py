"""What the images promise: slotsync works without rights and without a place to write, and lists what it is made of."""

import json
import os
import re
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from starter.local.processes import running_process, slotsync_command, wait_until_ready
from tests.support.http import tls
from tests.support.machine import Machine, world_on
from tests.support.machine import machine as build_machine
from tests.support.processes import environment_of, free_ports, ready_at_once
from tests.support.samples import MERCHANT, item

ROOT = Path(__file__).parents[2]

_CONFINE = """
mount --bind "$1" "$1" && mount -o remount,ro,bind / && shift &&
exec setpriv --bounding-set=-all --inh-caps=-all --no-new-privs "$@"
"""
"""Make everything read-only but one folder, where SQLite's file is, and give up all rights. (PostgreSQL needs none.)"""


def _confined(folder: Path, command: list[str]) -> list[str]:
    namespace = ["unshare", "--user", "--map-root-user", "--mount"]
    return [*namespace, "sh", "-c", _CONFINE, "sh", str(folder), *command]


@pytest.fixture
def confinement(tmp_path: Path) -> None:
    tried = subprocess.run(_confined(tmp_path, ["true"]), capture_output=True, text=True, check=False)
    if tried.returncode and not os.environ.get("CI"):
        pytest.skip(f"this machine allows no namespaces: {tried.stderr}")
    assert tried.returncode == 0, f"CI has to allow namespaces: {tried.stderr}"


@asynccontextmanager
async def running_confined(machine: Machine) -> AsyncIterator[tuple[str, list[int]]]:
    """Run the worker and the API; yield the API's address and the processes' ids."""
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    environment = environment_of(machine.settings, machine.client)
    worker = _confined(machine.folder, slotsync_command("worker"))
    api = _confined(machine.folder, slotsync_command("api", "--port", str(port)))

    async def ready() -> bool:
        async with httpx.AsyncClient(verify=tls()) as http:
            try:
                return (await http.get(f"{url}/readyz")).is_success
            except httpx.TransportError:
                return False

    async with (
        running_process("worker", worker, folder=machine.folder, environment=environment) as first,
        running_process("api", api, folder=machine.folder, environment=environment) as second,
    ):
        await wait_until_ready("worker", ready_at_once, first, machine.folder)
        await wait_until_ready("api", ready, second, machine.folder)
        yield url, [first.pid, second.pid]


@pytest.mark.anyio
@pytest.mark.usefixtures("confinement")
async def test_worker_and_api_need_no_rights_and_no_place_to_write(tmp_path: Path) -> None:
    async with build_machine(tmp_path) as machine:
        await machine.google.start()
        await machine.temporal.start()
        async with running_confined(machine) as (url, pids), world_on(machine) as world:
            await world.add_merchant()
            (key,) = machine.settings.api_keys
            headers = {"Authorization": f"Bearer {key.get_secret_value()}"}
            async with httpx.AsyncClient(base_url=url, headers=headers, timeout=30, verify=tls()) as platform:
                snapshot = {"version": 1, "title": "Kayaks", "items": [item().model_dump(mode="json")]}
                (await platform.put(f"/v1/merchants/{MERCHANT}/reservations/R-1", json=snapshot)).raise_for_status()
            await world.settled(1)
            for pid in pids:
                process = Path(f"/proc/{pid}")
                assert "CapEff:\t0000000000000000" in (process / "status").read_text()
                assert re.search(r" / / ro[, ]", (process / "mountinfo").read_text())


def _requirements() -> Iterator[str]:
    for line in (ROOT / "requirements/production.txt").read_text().splitlines():
        if found := re.match(r"([a-z0-9-]+)(?:\[[a-z,]+\])?==(\S+)", line):
            yield "=".join(found.groups())


def test_the_bill_of_materials_has_every_production_requirement_with_its_version_and_hashes(tmp_path: Path) -> None:
    (recipe,) = (line for line in (ROOT / "Makefile").read_text().splitlines() if "cyclonedx-py" in line)
    command = recipe.strip("\t@").replace("$(BIN)", ".venv/bin").replace("dist/", f"{tmp_path}/")
    subprocess.run(command, cwd=ROOT, shell=True, check=True)
    bill = json.loads((tmp_path / "slotsync.cdx.json").read_text())
    assert bill["metadata"]["component"]["name"] == "slotsync"
    assert {f"{each['name']}={each['version']}" for each in bill["components"]} == set(_requirements())
    hashed = {each["name"] for each in bill["components"] for part in each["externalReferences"] if part.get("hashes")}
    assert hashed == {each["name"] for each in bill["components"]}
