"""The drill: the encryption key is changed in a rolling restart, and the old one is retired."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from slotsync.secrets import Vault
from slotsync.store.database.engine import Store
from tests.support.machine import Machine, world_on
from tests.support.machine import machine as build_machine
from tests.support.rolling_restart import Installation, installation_on
from tests.support.samples import MERCHANT
from tests.support.stored_secrets import begin_as_formerly, store_as_formerly

pytestmark = pytest.mark.anyio


@pytest.fixture
async def machine(tmp_path: Path) -> AsyncIterator[Machine]:
    async with build_machine(tmp_path, killed_at_end=True) as machine:
        store = Store.open(machine.settings.database_url)
        store.upgrade()
        store.close()
        await machine.google.start()
        await machine.temporal.start()
        yield machine


@pytest.fixture
async def installation(machine: Machine) -> AsyncIterator[Installation]:
    async with installation_on(machine) as installation:
        yield installation


async def connect(machine: Machine) -> None:
    """Connect a merchant."""
    async with world_on(machine) as world:
        await world.add_merchant()


def upgrade_from_former_version(machine: Machine) -> None:
    """Let the database be one that a former version has used."""
    store = Store.open(machine.settings.database_url)
    begin_as_formerly(store)
    store.close()


def write_formerly(machine: Machine, ring: tuple[str, ...], key: str) -> int:
    """Write a snapshot and the grant as a process of a former version does that was forgotten; return how many."""
    store = Store.open(machine.settings.database_url)
    columns = ("reservation.snapshot", "connection.refresh_token")
    written = sum(store_as_formerly(store, Vault(ring), name, Vault([key])) for name in columns)
    store.close()
    return written


@pytest.mark.timeout(400)
async def test_old_and_new_processes_work_side_by_side_then_the_keys_are_rotated_and_the_old_one_is_retired(
    machine: Machine, installation: Installation
) -> None:
    old, new = machine.settings.encryption_keys[0].get_secret_value(), Fernet.generate_key().decode()
    both = (new, old)
    await installation.start_worker("old worker", (old,))
    old_api = await installation.start_api("old api", (old,))
    await connect(machine)
    upgrade_from_former_version(machine)
    write_formerly(machine, (old,), old)
    await old_api.report("R-1", 1)

    await installation.start_worker("new worker", both)
    code, refused = await installation.run(both, "keys", "rotate")
    assert code == 5
    assert "a worker lacks the first key" in refused
    await old_api.report("R-2", 1)

    await installation.stop("old worker")
    new_api = await installation.start_api("new api", both)
    await new_api.report("R-3", 1)
    assert (await old_api.get("/reservations/R-3"))["settled_version"] == 1
    await old_api.report("R-3", 2)
    assert await installation.needed(both) == [False, True]

    await installation.stop("old api")
    assert (await installation.run(both, "keys", "rotate"))[0] == 0
    assert await installation.needed(both) == [True, False]
    assert write_formerly(machine, both, old) > 1
    code, told = await installation.run(both, "keys", "status")
    assert (code, "bound to no place, and refused" in told) == (1, True), "somebody still writes with the old key"
    code, refused = await installation.run(both, "keys", "rotate")
    assert code == 1
    assert "bound to no place, and refused" in refused
    assert (await installation.run(both, "keys", "rotate", "--accept-unbound"))[0] == 0
    assert await installation.needed(both) == [True, False]
    await new_api.report("R-1", 2)

    await installation.start_worker("last worker", (new,))
    last_api = await installation.start_api("last api", (new,))
    await installation.stop("new worker", "new api")
    await last_api.report("R-2", 2)
    assert (await last_api.get("/reservations/R-1/timeline"))["happenings"]
    await last_api.disconnect()
    async with world_on(machine) as world:
        assert await world.calendars() == {}
        assert await world.calls("oauth2.revoke") == 1


async def test_a_process_without_the_old_key_does_not_start_before_the_rotation(
    machine: Machine, installation: Installation
) -> None:
    old, new = machine.settings.encryption_keys[0].get_secret_value(), Fernet.generate_key().decode()
    await installation.start_worker("old worker", (old,))
    await connect(machine)
    code, output = await installation.run((new,), "worker")
    assert code == 2
    assert "SLOTSYNC_ENCRYPTION_KEYS: none of the keys opens" in output
    code, output = await installation.run((new,), "keys", "status")
    assert code == 1
    assert Vault([old]).fingerprints[0] in output
    assert MERCHANT not in output
