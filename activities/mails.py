"""Mail activities: send a merchant the e-mail that is due."""

import asyncio
from datetime import timedelta

from sqlalchemy.exc import SQLAlchemyError
from temporalio import activity
from temporalio.exceptions import ApplicationError

from slotsync.domain.connections.mails import RefusedGrantMail
from slotsync.domain.connections.messages import ConnectionRequest
from slotsync.errors import MailNotTaken
from slotsync.mail.reconnect_links import ReconnectLinks
from slotsync.mail.refused_grants import write_mail
from slotsync.mail.sending import send_mail
from slotsync.secrets import Vault
from slotsync.settings import Settings
from slotsync.store.connections.grant_mails import GrantMails
from slotsync.store.database.engine import Store
from slotsync.temporal.heartbeats import heartbeating

REFUSED_MAIL_DELAY = timedelta(hours=6)
"""For what a mail server refuses for good, such as an address: the platform or an operator may mend it."""

_RECORD_RETRY_DELAY = timedelta(seconds=1)


class MailActivities:
    """Activity that sends e-mails."""

    def __init__(self, settings: Settings, store: Store, vault: Vault) -> None:
        self._settings = settings
        self._mails = GrantMails(store, vault)
        self._links = ReconnectLinks(settings)

    @activity.defn
    async def send_due_mail(self, request: ConnectionRequest) -> bool:
        """Send the e-mail that is due about the merchant's grant, if any, and return whether another one is due now.

        An attempt that is cancelled ends first: a mail server that has the e-mail already may take it.

        Raises:
            ApplicationError: the mail server did not take it, or its answer was lost. The next attempt has the same
                Message-ID, by which mailboxes may recognize an e-mail that they have already.
        """
        async with heartbeating():
            sending = asyncio.create_task(self._send(request.merchant))
            try:
                return await asyncio.shield(sending)
            except asyncio.CancelledError:
                await sending
                raise

    async def _send(self, merchant: str) -> bool:
        server = self._settings.mail_server
        mail = await asyncio.to_thread(self._mails.get_due, merchant) if server else None
        if server is None or mail is None:
            return False
        link = self._links.create(merchant, mail.grant_number)
        message = write_mail(mail, link, self._settings.mail_sender)
        try:
            await send_mail(server, message, lambda: self._record(mail))
        except MailNotTaken as error:
            raise _application_error(error) from None
        return await asyncio.to_thread(self._mails.is_due, merchant)

    async def _record(self, mail: RefusedGrantMail) -> None:
        """Record that the e-mail is sent, also if the database fails meanwhile: else it would be sent again."""
        while True:
            try:
                await asyncio.to_thread(self._mails.record_sent, mail)
            except SQLAlchemyError:
                await asyncio.sleep(_RECORD_RETRY_DELAY.total_seconds())
            else:
                return


def _application_error(error: MailNotTaken) -> ApplicationError:
    remedy = (
        "it is sent again every few hours; check SLOTSYNC_SMTP_URL, and the merchant's e-mail address"
        if error.lasting
        else "it is sent again; check SLOTSYNC_SMTP_URL if this goes on"
    )
    return ApplicationError(
        f"The mail server did not take an e-mail ({error.answer}): {remedy}",
        error.answer,
        type="MailRefused" if error.lasting else "MailNotTaken",
        next_retry_delay=REFUSED_MAIL_DELAY if error.lasting else None,
    )
