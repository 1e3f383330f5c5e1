"""Check configuration, database, Temporal and Google credentials."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy.exc import SQLAlchemyError
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest, DescribeTaskQueueResponse
from temporalio.client import Client
from temporalio.service import RPCError

from slotsync.domain.messages import Message
from slotsync.errors import SettingsError, SlotsyncError
from slotsync.google.auth.consent import check_client
from slotsync.secrets import Vault
from slotsync.settings import Settings
from slotsync.store.database.engine import Store
from slotsync.store.database.migrations import revisions
from slotsync.store.key_rotation import count_lost
from slotsync.temporal import queues
from slotsync.temporal.options import connect
from slotsync.temporal.search_attributes import ALL

PATIENCE = timedelta(seconds=10)

_CREDENTIALS = "create or look up the client in the Google Cloud console; docs/google-setup.md tells how"


class Finding(Message):
    """What was found of one thing; ``remedy`` is there when it is not well."""

    about: str
    says: str
    remedy: str = ""

    @property
    def well(self) -> bool:
        """Whether there is nothing to mend."""
        return not self.remedy


async def examine() -> list[Finding]:
    """Everything, in the order in which it should be mended."""
    try:
        settings = Settings.load()
    except SettingsError as error:
        return [Finding(about="settings", says=line, remedy="set it") for line in str(error).splitlines()]
    return [
        *_settings(settings),
        *await asyncio.to_thread(lambda: [*_database(settings)]),
        *await _temporal(settings),
        *await asyncio.to_thread(lambda: [*_google(settings)]),
    ]


def _settings(settings: Settings) -> Iterator[Finding]:
    yield Finding(about="settings", says="can be read")
    if not settings.public_url:
        yield Finding(
            about="public address",
            says="is not set, so merchants cannot connect",
            remedy="set SLOTSYNC_PUBLIC_URL to where browsers reach slotsync",
        )
    elif settings.public_url.startswith("http://") and not settings.google_endpoint:
        yield Finding(
            about="public address",
            says="is not https, which Google refuses",
            remedy="set SLOTSYNC_PUBLIC_URL to an https address",
        )
    else:
        yield Finding(
            about="public address", says=f"Google sends merchants back to {settings.public_url}/google/callback"
        )


def _database(settings: Settings) -> Iterator[Finding]:
    try:
        store = Store.open(settings.database_url)
        with store.write() as connection:
            present, newest = revisions(connection)
    except (SettingsError, SQLAlchemyError) as error:
        says = str(error) if isinstance(error, SettingsError) else f"cannot be reached ({type(error).__name__})"
        yield Finding(about="database", says=says, remedy="check SLOTSYNC_DATABASE_URL and that the server runs")
        return
    if present == newest:
        yield Finding(about="database", says=f"is at revision {present}")
        yield _secrets(store, settings)
    else:
        says = f"is at revision {present or 'none'}, {newest} is current"
        yield Finding(about="database", says=says, remedy="run: slotsync db upgrade")
    store.close()


def _secrets(store: Store, settings: Settings) -> Finding:
    lost = count_lost(store, Vault(settings.encryption_keys))
    if not lost:
        return Finding(about="secrets", says="all open with the encryption keys")
    return Finding(
        about="secrets",
        says=f"{lost} open with none of the keys",
        remedy="put the lost key back at the end of SLOTSYNC_ENCRYPTION_KEYS",
    )


async def _temporal(settings: Settings) -> list[Finding]:
    try:
        client = await asyncio.wait_for(connect(Vault(settings.encryption_keys)), PATIENCE.total_seconds())
        return [
            Finding(about="Temporal", says=f"answers, namespace {client.namespace}"),
            await _attributes(client),
            *await _queues(client),
        ]
    except (RPCError, SlotsyncError, TimeoutError):
        remedy = "check that the server runs, TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, and its certificates or API key"
        return [Finding(about="Temporal", says="does not answer", remedy=remedy)]


async def _attributes(client: Client) -> Finding:
    request = ListSearchAttributesRequest(namespace=client.namespace)
    known = (await client.operator_service.list_search_attributes(request, timeout=PATIENCE)).custom_attributes
    lacking = [key.name for key in ALL if key.name not in known]
    if not lacking:
        return Finding(about="search attributes", says="all are known")
    return Finding(
        about="search attributes",
        says=f"{', '.join(lacking)} are not known",
        remedy="start a worker, which adds them, or run: temporal operator search-attribute create",
    )


async def _queues(client: Client) -> list[Finding]:
    google = await _described(client, queues.GOOGLE, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY)
    workflows = await _described(client, queues.WORKFLOWS, TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW)
    limited = google.config.HasField("fairness_keys_rate_limit_default")
    remedy = "start a worker, which sets them; a server that cannot keep them needs fairness switched on or an upgrade"
    return [
        Finding(about="workers", says="listen")
        if workflows.pollers and google.pollers
        else Finding(about="workers", says="none listens", remedy="run: slotsync worker"),
        Finding(about="rate limits", says="are kept by Temporal")
        if limited
        else Finding(about="rate limits", says="are not kept by this server yet", remedy=remedy),
    ]


async def _described(client: Client, queue: str, kind: TaskQueueType.ValueType) -> DescribeTaskQueueResponse:
    request = DescribeTaskQueueRequest(
        namespace=client.namespace, task_queue=TaskQueue(name=queue), task_queue_type=kind, report_config=True
    )
    return await client.workflow_service.describe_task_queue(request, timeout=PATIENCE)


def _google(settings: Settings) -> Iterator[Finding]:
    try:
        check = check_client(settings)
    except SettingsError as error:
        yield Finding(about="Google client", says=str(error).replace("\n", "; "), remedy=_CREDENTIALS)
        return
    where = settings.google_endpoint or "Google"
    if check.known:
        yield Finding(about="Google client", says=f"is known to {where}")
    elif check.known is None:
        remedy = "check that this machine reaches it, and SLOTSYNC_GOOGLE_ENDPOINT, which is empty in production"
        yield Finding(about="Google client", says=f"{where} gave no answer that tells ({check.answer})", remedy=remedy)
    else:
        yield Finding(about="Google client", says=f"is not known to {where} ({check.answer})", remedy=_CREDENTIALS)


console = Console()


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    app.command()(doctor)


def doctor() -> None:
    """Check configuration, database, Temporal and Google; say what is wrong and how to mend it."""
    findings = asyncio.run(examine())
    console.print(_table(findings))
    if not all(finding.well for finding in findings):
        raise typer.Exit(1)


def _table(findings: list[Finding]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    for finding in findings:
        mark = "[green]OK[/green]" if finding.well else "[red]WRONG[/red]"
        remedy = f"\n[bold]To mend it:[/bold] {finding.remedy}" if finding.remedy else ""
        table.add_row(mark, finding.about, finding.says + remedy)
    return table
