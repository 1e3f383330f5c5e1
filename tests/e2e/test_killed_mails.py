"""A worker that is killed while it sends an e-mail: another one sends it, once."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from localgoogle.server import RunningLocalGoogle
from slotsync.domain.merchant import MerchantDetails
from slotsync.secrets import Vault
from slotsync.store.merchants import Merchants
from slotsync.temporal.signals import signal_connection
from starter.local.processes import slotsync_command
from tests.support.mail_receiver import MailReceiver
from tests.support.processes import Part, environment_of, ready_at_once
from tests.support.refused_grants import refuse
from tests.support.samples import MERCHANT, TOUR, snapshot
from tests.support.settings import PUBLIC_URL, settings_for
from tests.support.temporal_servers import running_temporal_server
from tests.support.waiting import until
from tests.support.world import World, world_of

pytestmark = pytest.mark.anyio


@pytest.fixture
async def merchant(local_google: RunningLocalGoogle, mailbox: MailReceiver, tmp_path: Path) -> AsyncIterator[World]:
    """A connected merchant with an address, and no worker yet."""
    key = Fernet.generate_key().decode()
    settings = settings_for(local_google.url, tmp_path, key).model_copy(update={"public_url": PUBLIC_URL})
    async with (
        running_temporal_server() as client,
        world_of(mailbox.settings(settings), Vault([key]), client) as world,
    ):
        await world.add_merchant(TOUR)
        Merchants(world.store, world.vault).put(MERCHANT, MerchantDetails(email="owner@arctic.example"))
        await signal_connection(world.client, MERCHANT, "granted")
        yield world


@asynccontextmanager
async def worker(world: World, name: str) -> AsyncIterator[Part]:
    """Yield a worker process that can be killed."""
    environment = environment_of(world.settings, world.client)
    async with AsyncExitStack() as at_end:
        folder = world.settings.data_folder
        part = Part(name, slotsync_command("worker"), folder, environment, ready_at_once, at_end, killed_at_end=True)
        await part.start()
        yield part


async def test_an_e_mail_is_sent_once_though_the_worker_that_sends_it_is_killed(
    merchant: World, mailbox: MailReceiver
) -> None:
    async with worker(merchant, "first") as first, AsyncExitStack() as others:
        await merchant.slotsync.report(snapshot(1))
        await merchant.settled(1)
        with mailbox.held_up() as arrived:
            await refuse(merchant)
            await until(arrived, 60)
            await first.kill()
            second = await others.enter_async_context(worker(merchant, "second"))
        await until(lambda: recorded(merchant), 90)
        await second.kill()
        await others.enter_async_context(worker(merchant, "third"))
        await merchant.heal()
        await signal_connection(merchant.client, MERCHANT, "check")
        await merchant.connect()
        await signal_connection(merchant.client, MERCHANT, "granted")
        await merchant.settled(2)
    assert len(mailbox.mails) == 1


async def recorded(world: World) -> bool:
    with world.store.read() as session:
        return bool(session.connection().exec_driver_sql("SELECT mailed FROM connection").scalar_one())
