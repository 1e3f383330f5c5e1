"""The output of ``slotsync doctor`` for real parts: a database, Temporal, the local Google."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import typer
from cryptography.fernet import Fernet
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from localgoogle.options import LocalGoogleOptions
from localgoogle.server import RunningLocalGoogle, running_local_google
from slotsync.clock import utc_now
from slotsync.domain.availability.messages import ProductKey
from slotsync.mail.reconnect_links import ReconnectLinks
from slotsync.secrets import Vault
from slotsync.settings import Settings
from slotsync.store.availability.watched_products import WatchedProducts
from slotsync.store.connections.connections import Connections
from slotsync.store.instances import Instances
from slotsync.store.key_rotation import KeyRotation
from slotsync.store.reservations.reservations import Reservations
from slotsync.temporal.dev_server import server_path
from slotsync.temporal.queues import limit_google_calls
from slotsync.temporal.schedules import SWEEP, ensure_schedules
from starter.cli.doctor import run_checks
from starter.cli.findings import Finding
from starter.cli.keys import show_key_status
from tests.support.mail_receiver import MailReceiver
from tests.support.migrated_databases import open_migrated
from tests.support.samples import MERCHANT, snapshot
from tests.support.stored_messages import put_message, refuse_message
from tests.support.stored_secrets import store_as_formerly
from tests.support.temporal_servers import running_temporal_server
from tests.support.waiting import until
from tests.support.world import world_of

pytestmark = pytest.mark.anyio

NOWHERE = "127.0.0.1:9"


@pytest.fixture(scope="module")
def local_google() -> Iterator[RunningLocalGoogle]:
    with running_local_google(LocalGoogleOptions.unlimited()) as running:
        yield running


@pytest.fixture
def environment(
    local_google: RunningLocalGoogle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> pytest.MonkeyPatch:
    """Valid settings, with a database without tables and without a Temporal server."""
    variables = {
        "SLOTSYNC_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "SLOTSYNC_DATABASE_URL": f"sqlite:///{tmp_path}/slotsync.db",
        "SLOTSYNC_GOOGLE_ENDPOINT": local_google.url,
        "SLOTSYNC_GOOGLE_CLIENT_ID": "client",
        "SLOTSYNC_GOOGLE_CLIENT_SECRET": "secret",
        "SLOTSYNC_PUBLIC_URL": "https://slotsync.example.com",
        "TEMPORAL_ADDRESS": NOWHERE,
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def find(findings: list[Finding], subject: str) -> Finding:
    (found,) = (finding for finding in findings if finding.subject == subject)
    return found


async def test_a_missing_setting_is_named_and_nothing_else_is_checked(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("SLOTSYNC_ENCRYPTION_KEYS")
    (finding,) = await run_checks()
    assert "SLOTSYNC_ENCRYPTION_KEYS" in finding.message
    assert not finding.ok


@pytest.mark.usefixtures("environment")
async def test_a_database_without_tables_gets_a_hint_how_to_create_them() -> None:
    assert find(await run_checks(), "database").remedy == "run: slotsync db upgrade"


@pytest.mark.usefixtures("environment")
async def test_a_temporal_that_does_not_answer_is_reported() -> None:
    finding = find(await run_checks(), "Temporal")
    assert "does not answer" in finding.message
    assert "TEMPORAL_ADDRESS" in finding.remedy


async def test_secrets_that_no_key_opens_are_counted(environment: pytest.MonkeyPatch) -> None:
    settings = Settings.load()
    store = open_migrated(settings.database_url)
    Connections(store, Vault(settings.encryption_keys)).save_grant("m", "token", ["openid"], "m@example.com")
    store.close()
    assert find(await run_checks(), "secrets").ok
    environment.setenv("SLOTSYNC_ENCRYPTION_KEYS", Fernet.generate_key().decode())
    assert find(await run_checks(), "secrets").message == "3 open with none of the keys", "tokens, and an audit entry"


@pytest.mark.usefixtures("environment")
async def test_what_is_refused_since_a_rotation_does_not_wait_for_one(capsys: pytest.CaptureFixture[str]) -> None:
    settings = Settings.load()
    store, vault = open_migrated(settings.database_url), Vault(settings.encryption_keys)
    Instances(store, vault).get_id()
    Connections(store, vault).save_grant("m", "token", ["openid"], "m@example.com")
    KeyRotation(store, vault).rotate()
    store_as_formerly(store, vault, "connection.refresh_token", vault)
    store.close()
    finding = find(await run_checks(), "secrets")
    assert (finding.message, finding.ok) == ("1 are bound to no place, and refused since the last rotation", False)
    with pytest.raises(typer.Exit):
        show_key_status(as_json=False)
    assert "--accept-unbound" in capsys.readouterr().out


def test_a_key_that_can_be_removed_has_still_signed_links_in_emails(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings.load()
    store, old = open_migrated(settings.database_url), settings.encryption_keys[0].get_secret_value()
    Instances(store, Vault(settings.encryption_keys)).get_id()
    show_key_status(as_json=False)
    assert "has signed" not in capsys.readouterr().out, "no key can be removed"
    link = httpx.URL(ReconnectLinks(settings).create("m", 1)).params["link"]
    new = Fernet.generate_key().decode()
    environment.setenv("SLOTSYNC_ENCRYPTION_KEYS", f"{new},{old}")
    both = Settings.load()
    KeyRotation(store, Vault(both.encryption_keys)).rotate()
    store.close()
    show_key_status(as_json=False)
    said = " ".join(capsys.readouterr().out.split())
    assert "removed" in said, "in the table, which may break the line"
    assert "What a key has signed ends with it: links in e-mails, which else work for 30 days" in said
    assert ReconnectLinks(both).read(link) is not None
    environment.setenv("SLOTSYNC_ENCRYPTION_KEYS", new)
    assert ReconnectLinks(Settings.load()).read(link) is None, "and so it is"


@pytest.mark.usefixtures("environment")
async def test_a_client_that_google_knows_is_ok() -> None:
    assert find(await run_checks(), "Google client").ok


async def test_a_google_out_of_reach_is_not_taken_for_a_bad_client(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("SLOTSYNC_GOOGLE_ENDPOINT", f"http://{NOWHERE}")
    finding = find(await run_checks(), "Google client")
    assert "ConnectError" in finding.message
    assert "SLOTSYNC_GOOGLE_ENDPOINT" in finding.remedy


async def test_google_itself_is_recognized_by_its_address(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("SLOTSYNC_PUBLIC_URL", "")
    assert "SLOTSYNC_PUBLIC_URL" in find(await run_checks(), "public address").remedy


@pytest.fixture
async def bare_temporal(environment: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """A server without slotsync's search attributes and limits."""
    server = await WorkflowEnvironment.start_local(dev_server_existing_path=server_path())
    async with server:
        environment.setenv("TEMPORAL_ADDRESS", server.client.service_client.config.target_host)
        yield


@pytest.mark.usefixtures("bare_temporal")
async def test_a_temporal_server_without_our_settings_gets_them_named() -> None:
    findings = await run_checks()
    assert find(findings, "Temporal").ok
    assert "SlotsyncMerchant" in find(findings, "search attributes").message
    assert find(findings, "workers").remedy == "run: slotsync worker"
    assert not find(findings, "rate limits").ok


@pytest.mark.timeout(120)
async def test_a_working_installation_has_no_problems(environment: pytest.MonkeyPatch) -> None:
    settings = Settings.load()
    vault = Vault(settings.encryption_keys)
    async with running_temporal_server() as client, world_of(settings, vault, client) as world:
        name_server(environment, client)
        await limit_google_calls(client, per_user_minute=600, per_project_minute=10_000)
        instances = Instances(world.store, vault)
        instances.record_worker("w-1", utc_now())
        await ensure_schedules(client, instances.get_id())
        async with world.working():
            await until(workers_are_ready)
            findings = await run_checks()
            put_message(world.store, vault, "m-1", "{}", utc_now())
            refuse_message(world.store, vault, "m-1", 410)
            found = find(await run_checks(), "messages")
            instances.forget_worker("w-1")
            assert find(await run_checks(), "workers").remedy == "run: slotsync worker", "Temporal names it for minutes"
    assert [finding for finding in findings if not finding.ok] == []
    assert len(findings) == 16
    assert (found.ok, "1 messages to the platform wait for three days, or" in found.message) == (False, True)


async def test_a_mail_server_is_asked_whether_it_takes_e_mails(
    environment: pytest.MonkeyPatch, mailbox: MailReceiver
) -> None:
    environment.setenv("SLOTSYNC_PUBLIC_URL", "https://slots.example")
    environment.setenv("SLOTSYNC_SMTP_URL", mailbox.url)
    found = find(await run_checks(), "mail server")
    assert (found.ok, found.message) == (True, "takes e-mails from slotsync@slots.example")
    environment.setenv("SLOTSYNC_SMTP_URL", f"smtp://me:another-secret@localhost:{mailbox.port}")
    found = find(await run_checks(), "mail server")
    assert (found.ok, found.message) == (False, "takes nothing from us (535)")


async def test_work_that_nobody_takes_up_and_work_that_is_stopped_is_counted(environment: pytest.MonkeyPatch) -> None:
    settings = Settings.load()
    store, vault = open_migrated(settings.database_url), Vault(settings.encryption_keys)
    reservations, products = Reservations(store, vault), WatchedProducts(store)
    long_ago = utc_now() - timedelta(hours=1)
    for name in ("R-1", "R-2", "R-3"):
        reservations.report(snapshot(1).model_copy(update={"id": name}), long_ago)
    reservations.stop(MERCHANT, "R-3", long_ago)
    products.stop(ProductKey(merchant=MERCHANT, product="tour"), long_ago)
    store.close()
    findings = await run_checks()
    assert find(findings, "intent").message == "2 reservations have waited for more than 10 minutes"
    assert not find(findings, "intent").ok
    assert "operators have stopped 1 reservations, 1 products" in find(findings, "stopped").message


@pytest.fixture
async def set_up_temporal(environment: pytest.MonkeyPatch) -> AsyncIterator[Client]:
    """The client of a server with the Schedules of another database."""
    open_migrated(Settings.load().database_url).close()
    async with running_temporal_server() as client:
        name_server(environment, client)
        await ensure_schedules(client, "another database")
        yield client


async def test_a_sweep_that_somebody_paused_is_reported_with_the_command_that_goes_on(set_up_temporal: Client) -> None:
    assert find(await run_checks(), "sweep").ok
    await set_up_temporal.get_schedule_handle(SWEEP).pause(note="to have a look")
    assert SWEEP in find(await run_checks(), "sweep").remedy


async def test_workers_on_another_database_are_reported(set_up_temporal: Client) -> None:
    finding = find(await run_checks(), "instance")
    namespace = set_up_temporal.namespace
    assert f"the workers of Temporal's namespace {namespace} use another database" in finding.message
    assert not finding.ok


def name_server(environment: pytest.MonkeyPatch, client: Client) -> None:
    environment.setenv("TEMPORAL_ADDRESS", client.service_client.config.target_host)
    environment.setenv("TEMPORAL_NAMESPACE", client.namespace)


async def workers_are_ready() -> bool:
    return find(await run_checks(), "workers").ok
