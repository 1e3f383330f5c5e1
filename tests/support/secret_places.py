"""All places in which slotsync could leave a secret, or to which it sends something: read, and planted in."""

import asyncio
import smtplib
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage

import httpx
from sqlalchemy import insert

from slotsync.store.database.base import table_of
from slotsync.store.tables.connections import UsedLinkRow
from tests.support.exported_histories import export_histories
from tests.support.http import tls
from tests.support.machine import Machine
from tests.support.mail_receiver import PASSWORD, USER, MailReceiver, ReceivedMail
from tests.support.secret_search import DATABASES, LOGS, OURS, TRACES, Texts, found_in, read_files
from tests.support.webhook_receiver import WebhookReceiver
from tests.support.world import World

TEMPORALS = "temporal.db"
HISTORIES, MAILS, WEBHOOKS = "histories", "e-mails", "webhooks"
METRICS = ("metrics of the API", "metrics of the worker")
PLACES = frozenset({*DATABASES, *LOGS, *TRACES, *METRICS, HISTORIES, MAILS, WEBHOOKS})


@dataclass(frozen=True)
class Places:
    """The places of one run."""

    machine: Machine
    world: World
    mailbox: MailReceiver
    webhooks: WebhookReceiver

    async def read(self) -> dict[str, bytes]:
        """Return the contents of all places while everything runs."""
        histories = await export_histories(self.machine.client)
        answers = [(await _get(url)).encode() for url in self._metrics]
        return {
            **read_files(self.machine.folder, (f"{TEMPORALS}*",)),
            **self.read_left(),
            HISTORIES: "\n".join((*histories, *histories.values())).encode(),
            **dict(zip(METRICS, answers, strict=True)),
        }

    def read_left(self) -> dict[str, bytes]:
        """Return the contents of the places that are left when everything has ended.

        What an erasure leaves in Temporal's database is searched by a drill of its own.
        """
        attempts = [f"{each.body}\n{dict(each.headers)}" for each in self.webhooks.attempts]
        return {
            **read_files(self.machine.folder, [each for each in OURS if not each.startswith(TEMPORALS)]),
            MAILS: "\n".join(map(_readable, self.mailbox.mails)).encode(),
            WEBHOOKS: "\n".join(attempts).encode(),
        }

    async def search(self, texts: Texts) -> set[tuple[str, str]]:
        """Return which of the texts are where."""
        return found_in(await self.read(), texts)

    async def plant(self, text: str) -> None:
        """Leave the text in every place but the metrics, as a fault would."""
        with self.world.store.write() as connection:
            row = {"link_hash": text, "expires_at": datetime.now(UTC)}
            connection.execute(insert(table_of(UsedLinkRow)).values(**row))
        await self.machine.client.start_workflow("Planted", text, id="planted", task_queue="planted")
        for name in (*LOGS, *TRACES):
            with (self.machine.folder / name).open("a") as file:
                file.write(f"{text}\n")
        await asyncio.to_thread(self._send_mail, text)
        async with httpx.AsyncClient(verify=tls()) as http:
            await http.post(self.webhooks.url, json={"planted": text})

    @property
    def _metrics(self) -> tuple[str, str]:
        settings = self.machine.settings
        return f"{settings.public_url}/metrics", f"http://127.0.0.1:{settings.metrics_port}/metrics"

    def _send_mail(self, text: str) -> None:
        message = EmailMessage()
        message["To"], message["From"] = USER, USER
        message.set_content(text)
        message.add_alternative(f"<p>{text}</p>", subtype="html")
        with smtplib.SMTP("localhost", self.mailbox.port) as server:
            server.login(USER, PASSWORD)
            server.send_message(message)


def _readable(mail: ReceivedMail) -> str:
    return "\n".join((str(mail.message), mail.text, mail.page, *map(str, mail.message.values())))


async def _get(url: str) -> str:
    async with httpx.AsyncClient(timeout=30, verify=tls()) as http:
        return (await http.get(url)).raise_for_status().text
