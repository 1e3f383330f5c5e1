"""A process with other keys or another database than the workers' is refused at its first call."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from slotsync.clock import utc_now
from slotsync.errors import SettingsError
from slotsync.secrets import Vault
from slotsync.store.instances import Instances
from slotsync.store.reservations.reservations import Reservations
from slotsync.temporal.schedules import ensure_schedules, get_instance
from starter.client import Slotsync
from starter.services.instance import InstanceCheck
from tests.support.api import api_of
from tests.support.migrated_databases import open_migrated
from tests.support.samples import MERCHANT, TOUR, settings_of, snapshot
from tests.support.settings import KEY
from tests.support.slow_proxy import slow_proxy
from tests.support.temporal_servers import connect_to
from tests.support.world import World

pytestmark = pytest.mark.anyio

OWN_KEY, OTHER_KEY = Fernet.generate_key().decode(), Fernet.generate_key().decode()

Caller = Callable[[World, Path], Slotsync]


@pytest.fixture
def vault() -> Vault:
    return Vault([OWN_KEY])


@asynccontextmanager
async def set_up(world: World) -> AsyncIterator[None]:
    """Run workers that have set Temporal's server and the database up, as the worker process does."""
    instances = Instances(world.store, world.vault)
    instances.record_worker("w-1", utc_now())
    await ensure_schedules(world.client, instances.get_id())
    await world.add_merchant(TOUR)
    async with world.working():
        yield


def with_another_key(world: World, _: Path) -> Slotsync:
    return Slotsync(world.client, world.store, Vault([OTHER_KEY]))


def with_a_newer_key(world: World, _: Path) -> Slotsync:
    return Slotsync(world.client, world.store, Vault([OTHER_KEY, OWN_KEY]))


def with_another_database(world: World, folder: Path) -> Slotsync:
    store = open_migrated(f"sqlite:///{folder / 'another.db'}")
    return Slotsync(world.client, store, world.vault)


@pytest.mark.parametrize(
    ("caller", "reason"),
    [
        (with_another_key, "SLOTSYNC_ENCRYPTION_KEYS: none of the keys"),
        (with_a_newer_key, "SLOTSYNC_ENCRYPTION_KEYS: the workers lack the first key"),
        (with_another_database, "SLOTSYNC_DATABASE_URL: the workers of Temporal's namespace test-.* use another"),
    ],
)
async def test_a_process_of_another_instance_is_refused_with_the_reason(
    world: World, tmp_path: Path, caller: Caller, reason: str
) -> None:
    async with set_up(world):
        await world.slotsync.report(snapshot(1))
        await world.settled(1)
        stranger = caller(world, tmp_path)
        for call in (
            stranger.cancel(MERCHANT, "R-1", version=2),
            stranger.report(snapshot(2)),
            stranger.put_owner(MERCHANT, TOUR, settings_of(TOUR)),
            stranger.turn_off(MERCHANT, remove_events=True),
            stranger.resume(MERCHANT),
        ):
            with pytest.raises(SettingsError, match=reason):
                await call
        stored = Reservations(world.store, world.vault).get_snapshot(MERCHANT, "R-1")
        assert stored
        assert stored.version == 1
        assert await world.titles() == ["v1"]


async def test_the_api_says_why_it_does_not_work_for_another_instance(world: World) -> None:
    async with set_up(world):
        await ensure_schedules(world.client, "another database", take_over=True)
        settings = world.settings.model_copy(
            update={"encryption_keys": (SecretStr(OWN_KEY),), "api_keys": (SecretStr(KEY),)}
        )
        async with api_of(replace(world, settings=settings)) as api:
            answer = await api.platform.get(f"/v1/merchants/{MERCHANT}/google")
            ready = await api.stranger.get("/readyz")
    assert (ready.status_code, ready.json()["detail"] in answer.json()["detail"]) == (503, True)
    assert answer.headers["content-type"] == "application/problem+json"
    assert "SLOTSYNC_DATABASE_URL: the workers of Temporal's namespace" in answer.json()["detail"]


async def test_a_worker_with_another_database_is_refused_until_that_one_is_adopted(world: World) -> None:
    assert await get_instance(world.client) is None
    assert await ensure_schedules(world.client, "one")
    assert await get_instance(world.client) == "one"
    with pytest.raises(SettingsError, match="slotsync db adopt"):
        await ensure_schedules(world.client, "two")
    assert await get_instance(world.client) == "one"
    assert await ensure_schedules(world.client, "two", take_over=True)
    assert await get_instance(world.client) == "two"
    assert not await ensure_schedules(world.client, "two")


async def test_a_process_learns_while_it_runs_that_the_workers_have_another_database(world: World) -> None:
    check = InstanceCheck(world.client, world.store, world.vault, recheck_interval=timedelta())
    async with set_up(world):
        await check.require()
        await ensure_schedules(world.client, "another database", take_over=True)
        with pytest.raises(SettingsError, match="SLOTSYNC_DATABASE_URL"):
            await check.require()


async def test_a_process_of_another_instance_is_refused_also_while_temporal_is_slow(
    world: World, tmp_path: Path
) -> None:
    target = world.client.service_client.config.target_host
    async with set_up(world), slow_proxy(target, timedelta(seconds=0.6)) as address:
        stranger = with_another_database(
            replace(world, client=await connect_to(world.client, address=address)), tmp_path
        )
        with pytest.raises(SettingsError, match="SLOTSYNC_DATABASE_URL"):
            await stranger.report(snapshot(1))
        assert (await world.slotsync.status(MERCHANT, "R-1")) is None


async def test_a_slow_temporal_refuses_nobody(world: World) -> None:
    target = world.client.service_client.config.target_host
    async with set_up(world), slow_proxy(target, timedelta(seconds=0.6)) as address:
        slow = Slotsync(await connect_to(world.client, address=address), world.store, world.vault)
        assert (await slow.report(snapshot(1))).version == 1
        await world.settled(1)


@pytest.mark.parametrize("path", ["/settings/", "/google/callback?code=1&state=1"])
async def test_the_pages_do_not_work_for_another_instance(world: World, path: str) -> None:
    async with set_up(world):
        await ensure_schedules(world.client, "another database", take_over=True)
        settings = world.settings.model_copy(
            update={"encryption_keys": (SecretStr(OWN_KEY),), "api_keys": (SecretStr(KEY),)}
        )
        async with api_of(replace(world, settings=settings)) as api:
            answer = await api.stranger.get(path)
            style = await api.stranger.get("/settings/static/page.css")
    assert answer.status_code == 501
    assert answer.headers["content-type"].startswith("text/html")
    assert style.status_code == 200
