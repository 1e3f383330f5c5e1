"""Check configuration, database, Temporal and Google credentials."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import typer
from rich.table import Table
from sqlalchemy.exc import SQLAlchemyError
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest, DescribeTaskQueueResponse
from temporalio.client import Client
from temporalio.service import RPCError

from slotsync.clock import utc_now
from slotsync.errors import MailNotTaken, SettingsError, SlotsyncError
from slotsync.google.auth.consent import check_client
from slotsync.mail.sending import check_server
from slotsync.secrets import Vault
from slotsync.settings import Settings
from slotsync.store.database.engine import Store
from slotsync.store.database.migrations import is_behind, revisions
from slotsync.store.instances import Instances
from slotsync.store.key_usage import KeyUsage
from slotsync.temporal import queues
from slotsync.temporal.options import connect
from slotsync.temporal.search_attributes import ALL_ATTRIBUTES
from starter.cli.findings import Finding
from starter.cli.intent_checks import check_instance, check_intent, check_problems, check_sweeps
from starter.cli.message_checks import check_messages
from starter.cli.push_checks import check_push
from starter.cli.terminal import console, plain, print_json

TEMPORAL_TIMEOUT = timedelta(seconds=10)

_CREDENTIALS = "create or look up the client in the Google Cloud console; see docs/google-setup.md"


async def run_checks() -> list[Finding]:
    """Run all checks, and return the findings in the order in which problems should be solved."""
    try:
        settings = Settings.load()
    except SettingsError as error:
        return [Finding(subject="settings", message=line, remedy="set it") for line in str(error).splitlines()]
    return [
        *_check_settings(settings),
        *await asyncio.to_thread(lambda: [*_check_database(settings)]),
        *await _check_temporal(settings),
        *await asyncio.to_thread(lambda: [*_check_google(settings)]),
        *await _check_mail(settings),
    ]


def _check_settings(settings: Settings) -> Iterator[Finding]:
    yield Finding(subject="settings", message="can be read")
    if not settings.public_url:
        yield Finding(
            subject="public address",
            message="is not set, so merchants cannot connect",
            remedy="set SLOTSYNC_PUBLIC_URL to where browsers reach slotsync",
        )
    elif settings.public_url.startswith("http://") and not settings.google_endpoint:
        yield Finding(
            subject="public address",
            message="is not https, which Google refuses",
            remedy="set SLOTSYNC_PUBLIC_URL to an https address",
        )
    else:
        yield Finding(
            subject="public address", message=f"Google sends merchants back to {settings.public_url}/google/callback"
        )


def _check_database(settings: Settings) -> Iterator[Finding]:
    try:
        store = Store.open(settings.database_url)
        with store.write() as connection:
            current, newest = revisions(connection)
            behind = is_behind(connection)
    except (SettingsError, SQLAlchemyError) as error:
        message = str(error) if isinstance(error, SettingsError) else f"cannot be reached ({type(error).__name__})"
        yield Finding(
            subject="database", message=message, remedy="check SLOTSYNC_DATABASE_URL and that the server runs"
        )
        return
    if behind:
        message = f"is at revision {current or 'none'}, {newest} is the newest"
        yield Finding(subject="database", message=message, remedy="run: slotsync db upgrade")
    else:
        newer = "" if current == newest else f", of a newer slotsync; this one knows {newest}, and works with it"
        yield Finding(subject="database", message=f"is at revision {current}{newer}")
        yield _check_secrets(store, settings)
        yield from check_intent(store, settings)
        yield check_push(store, settings, utc_now())
        yield check_messages(store, settings, utc_now())
    store.close()


def _check_secrets(store: Store, settings: Settings) -> Finding:
    usage = KeyUsage(store, Vault(settings.encryption_keys))
    if lost := usage.count_lost():
        return Finding(
            subject="secrets",
            message=f"{lost} open with none of the keys",
            remedy="put the lost key back at the end of SLOTSYNC_ENCRYPTION_KEYS",
        )
    uses = usage.get_uses()
    if refused := sum(use.refused_values for use in uses):
        return Finding(
            subject="secrets",
            message=f"{refused} are bound to no place, and refused since the last rotation",
            remedy="see docs/operations.md, Changing the encryption key: slotsync keys rotate --accept-unbound",
        )
    former = sum(use.former_values for use in uses)
    hint = f"; {former} are not bound to their merchants yet: slotsync keys rotate does that" if former else ""
    return Finding(subject="secrets", message=f"all open with the encryption keys{hint}")


async def _check_temporal(settings: Settings) -> list[Finding]:
    try:
        client = await asyncio.wait_for(connect(), TEMPORAL_TIMEOUT.total_seconds())
        return [
            Finding(subject="Temporal", message=f"answers, namespace {client.namespace}"),
            await _check_search_attributes(client),
            *await _check_queues(client, settings),
            await check_instance(client, settings),
            *await check_sweeps(client),
            await check_problems(client),
        ]
    except (RPCError, SlotsyncError, TimeoutError):
        remedy = "check that the server runs, TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, and its certificates or API key"
        return [Finding(subject="Temporal", message="does not answer", remedy=remedy)]


async def _check_search_attributes(client: Client) -> Finding:
    request = ListSearchAttributesRequest(namespace=client.namespace)
    known = (await client.operator_service.list_search_attributes(request, timeout=TEMPORAL_TIMEOUT)).custom_attributes
    missing = [key.name for key in ALL_ATTRIBUTES if key.name not in known]
    if not missing:
        return Finding(subject="search attributes", message="all are known")
    return Finding(
        subject="search attributes",
        message=f"{', '.join(missing)} are not known",
        remedy="start a worker, which adds them, or run: temporal operator search-attribute create",
    )


async def _check_queues(client: Client, settings: Settings) -> list[Finding]:
    google = await _describe_queue(client, queues.GOOGLE, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY)
    workflows = await _describe_queue(client, queues.WORKFLOWS, TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW)
    limited = google.config.HasField("fairness_keys_rate_limit_default")
    remedy = "start a worker, which sets them; a server that cannot keep them needs fairness switched on or an upgrade"
    # Temporal names pollers for five minutes after their end.
    alive = await asyncio.to_thread(_is_any_worker_alive, settings)
    return [
        Finding(subject="workers", message="listen")
        if alive and workflows.pollers and google.pollers
        else Finding(subject="workers", message="none listens", remedy="run: slotsync worker"),
        Finding(subject="rate limits", message="are kept by Temporal")
        if limited
        else Finding(subject="rate limits", message="are not kept by this server yet", remedy=remedy),
    ]


def _is_any_worker_alive(settings: Settings) -> bool:
    """Return whether a worker lives, by the database; true if that does not answer: it is a finding of its own."""
    try:
        store = Store.open(settings.database_url)
        try:
            return Instances(store, Vault(settings.encryption_keys)).is_any_alive(utc_now())
        finally:
            store.close()
    except (SettingsError, SQLAlchemyError):
        return True


async def _describe_queue(client: Client, queue: str, kind: TaskQueueType.ValueType) -> DescribeTaskQueueResponse:
    request = DescribeTaskQueueRequest(
        namespace=client.namespace, task_queue=TaskQueue(name=queue), task_queue_type=kind, report_config=True
    )
    return await client.workflow_service.describe_task_queue(request, timeout=TEMPORAL_TIMEOUT)


def _check_google(settings: Settings) -> Iterator[Finding]:
    try:
        check = check_client(settings)
    except SettingsError as error:
        yield Finding(subject="Google client", message=str(error).replace("\n", "; "), remedy=_CREDENTIALS)
        return
    where = settings.google_endpoint or "Google"
    if check.known:
        yield Finding(subject="Google client", message=f"is known to {where}")
    elif check.known is None:
        remedy = "check that this machine reaches it, and SLOTSYNC_GOOGLE_ENDPOINT, which is empty in production"
        yield Finding(
            subject="Google client", message=f"{where} gave an unclear answer ({check.answer})", remedy=remedy
        )
    else:
        yield Finding(subject="Google client", message=f"is not known to {where} ({check.answer})", remedy=_CREDENTIALS)


async def _check_mail(settings: Settings) -> list[Finding]:
    server = settings.mail_server
    if server is None:
        return []
    try:
        await check_server(server)
    except MailNotTaken as error:
        remedy = "check SLOTSYNC_SMTP_URL, and the server's certificate"
        return [Finding(subject="mail server", message=f"takes nothing from us ({error.answer})", remedy=remedy)]
    return [Finding(subject="mail server", message=f"takes e-mails from {settings.mail_sender}")]


def show_findings(*, as_json: bool) -> None:
    """Run all checks, and print each finding with its remedy.

    Raises:
        typer.Exit: with code 1, if there is a problem.
    """
    findings = asyncio.run(run_checks())
    if as_json:
        print_json([finding.model_dump() for finding in findings])
    else:
        console.print(_findings_table(findings))
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


def _findings_table(findings: list[Finding]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    for finding in findings:
        mark = "[green]OK[/green]" if finding.ok else "[red]WRONG[/red]"
        remedy = f"\n[bold]Remedy:[/bold] {plain(finding.remedy)}" if finding.remedy else ""
        table.add_row(mark, plain(finding.subject), plain(finding.message) + remedy)
    return table
