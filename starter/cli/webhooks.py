"""List, show, resend and skip messages to the platform, and send a test message."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

import typer
from pydantic import ValidationError
from rich.table import Table

from slotsync.clock import utc_now
from slotsync.domain.kept_messages import MessageFilter, MessageLine, MessageView
from slotsync.domain.webhooks import Attempt, TestMessage, build_webhook
from slotsync.errors import InputError, SettingsError
from slotsync.secrets import Vault
from slotsync.settings import Settings
from slotsync.store.database.engine import Store
from slotsync.temporal.options import connect
from slotsync.webhook_sender import SentWebhook, WebhookSender
from starter.cli.terminal import console, plain, print_json
from starter.services.messages import MessageService

_PAGE_SIZE: Final = 200


def choose_messages(
    type_: str | None, product: str | None, state: str | None, start: str | None, to: str | None
) -> MessageFilter:
    """Return the choice of messages of these options.

    Raises:
        InputError: an option has a value that it cannot have.
    """
    times = {"start": _parse_time("--from", start), "end": _parse_time("--to", to)}
    try:
        return MessageFilter.model_validate({"type": type_, "product": product, "state": state, **times})
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False)[0]
        raise InputError(f"--{problem['loc'][0]}: {problem['msg']}") from None


def show_messages(merchant: str, chosen: MessageFilter, *, as_json: bool) -> None:
    """Print the chosen messages, the oldest first.

    Raises:
        UnknownSubject: the merchant is not known.
    """
    found = asyncio.run(_list_all(merchant, chosen))
    if as_json:
        print_json([each.model_dump(mode="json") for each in found])
    else:
        _print_messages(found)


def show_message(merchant: str, message_id: str, *, as_json: bool) -> None:
    """Print a message with its body and its last attempts.

    Raises:
        UnknownMessage: it is not kept.
    """
    found = asyncio.run(_get(merchant, message_id))
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        _print_messages([found])
        print_json(found.body)
        console.print(_attempts_table(found))


def resend_messages(merchant: str, message_id: str | None, chosen: MessageFilter) -> None:
    """Have one message sent again, or all chosen ones, and print how many.

    Raises:
        InputError: neither a message nor a time is given.
        UnknownSubject: the message is not kept, or the merchant is not known.
        WrongState: the message waits already, or cannot be read.
    """
    if message_id is None and not (chosen.start and chosen.end):
        raise InputError("give a message, or --from and --to: the time in which those to send again were made")

    async def resend() -> int:
        service = await _connect()
        if message_id is None:
            return await service.resend_all(merchant, chosen)
        await service.resend(merchant, message_id)
        return 1

    console.print(f"Messages that are sent again: {asyncio.run(resend())}")


def skip_message(merchant: str, message_id: str, reason: str) -> None:
    """Give up a message that waits, and print that.

    Raises:
        UnknownMessage: it is not kept.
        WrongState: it does not wait.
    """

    async def skip() -> None:
        await (await _connect()).skip(merchant, message_id, reason)

    asyncio.run(skip())
    console.print("The message is skipped; what waits after it is sent.")


def send_test_message() -> None:
    """Send a test message once, and print what the platform answered.

    Raises:
        SettingsError: no address is set.
        typer.Exit: with code 5 if it was refused, 6 if there was no answer.
    """
    settings = Settings.load()
    if not settings.webhook_url:
        raise SettingsError("SLOTSYNC_WEBHOOK_URL: is not set (where the platform receives messages)")
    sent = asyncio.run(_send_test(settings))
    console.print(f"The platform has {'accepted' if sent.is_accepted else 'not accepted'} it: {plain(_outcome(sent))}")
    if not sent.is_accepted:
        raise typer.Exit(5 if sent.status else 6)


async def _send_test(settings: Settings) -> SentWebhook:
    body = build_webhook(TestMessage(note="Sent by slotsync webhooks test"), utc_now()).model_dump_json()
    async with aclosing(WebhookSender(settings)) as sender:
        return await sender.send(f"msg_test_{uuid4().hex}", body)


async def _connect() -> MessageService:
    """Return the service. It connects to Temporal with its first signal: what only reads works without."""
    settings = Settings.load()
    store = Store.open(settings.database_url)
    store.require_tables()
    return MessageService(await connect(lazy=True), store, Vault(settings.encryption_keys))


async def _list_all(merchant: str, chosen: MessageFilter) -> list[MessageLine]:
    service, found = await _connect(), list[MessageLine]()
    while True:
        after = (found[-1].created_at, found[-1].id) if found else None
        page = await service.list_messages(merchant, chosen, _PAGE_SIZE, after)
        found += page
        if len(page) < _PAGE_SIZE:
            return found


async def _get(merchant: str, message_id: str) -> MessageView:
    return await (await _connect()).get(merchant, message_id)


def _parse_time(option: str, text: str | None) -> datetime | None:
    """Return the time, in UTC if the text has no offset; None without a text."""
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f"{option}: is not ISO 8601; give a time such as 2027-07-01T18:00+03:00") from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _print_messages(messages: Sequence[MessageLine]) -> None:
    """Print each message on lines of its own: its id, which other commands take, is whole at any width."""
    for each in messages:
        console.print(f"[bold]{plain(each.id)}[/bold] {each.state}", highlight=False, soft_wrap=True)
        console.print(f"  {', '.join(_describe(each))}", highlight=False, soft_wrap=True)
    if not messages:
        console.print("There are no such messages.")


def _describe(message: MessageLine) -> Iterator[str]:
    yield f"made at {message.created_at:%Y-%m-%d %H:%M:%S}Z"
    if message.type:
        yield message.type
    if message.product:
        yield f"product {plain(message.product)}"
    yield f"{message.attempts} attempts"
    if message.last_status:
        yield f"last status {message.last_status}"


def _attempts_table(message: MessageView) -> Table:
    table = Table(title="Last attempts")
    for name in ("number", "at", "took", "answer"):
        table.add_column(name)
    for each in message.last_attempts:
        at, took = f"{each.at:%Y-%m-%d %H:%M:%S}Z", f"{each.duration_ms} ms"
        table.add_row(str(each.number), at, took, plain(_outcome(each)))
    return table


def _outcome(attempt: Attempt) -> str:
    return " ".join(filter(None, (str(attempt.status or ""), attempt.failure, attempt.answer)))
