"""Hand an e-mail over to a mail server."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from aiosmtplib import SMTP, SMTPException, SMTPRecipientsRefused, SMTPResponseException

from slotsync.domain.mail_server import MailEncryption, MailServer
from slotsync.errors import MailNotTaken
from slotsync.mail.messages import Mail

CONNECT_TIMEOUT: Final = timedelta(minutes=1)

ANSWER_TIMEOUT: Final = timedelta(minutes=10)
"""By RFC 5321, 4.5.3.2.6: a client that waits less for the answer to an e-mail sends it twice to a slow server."""

_INTERNATIONAL: Final = ("SMTPUTF8", "BODY=8BITMIME")
"""The options of an e-mail with letters in an address that ASCII does not have."""

_PERMANENT: Final = 500
"""The lowest code of a refusal that the server will repeat (RFC 5321, 4.2.1)."""


async def send_mail(server: MailServer, mail: Mail, record_taken: Callable[[], Awaitable[None]]) -> None:
    """Hand the e-mail over, and record that the server has taken it, before anything else can go wrong.

    Raises:
        MailNotTaken: the server did not take it, or its answer was lost.
    """
    try:
        async with _connect(server) as connection:
            options = _INTERNATIONAL if mail.is_international else ()
            await connection.sendmail(
                mail.sender,
                mail.recipient,
                mail.content,
                mail_options=options,
                timeout=ANSWER_TIMEOUT.total_seconds(),
            )
            await record_taken()
    except (SMTPException, OSError, ValueError) as error:
        # Not chained: the server's words may quote the address.
        failure = _failure(error)
    else:
        return
    raise failure


async def check_server(server: MailServer) -> None:
    """Connect, and sign in if the server wants it, and say goodbye.

    Raises:
        MailNotTaken: that did not work.
    """
    try:
        async with _connect(server):
            return
    except (SMTPException, OSError) as error:
        failure = _failure(error)
    raise failure


def _connect(server: MailServer) -> SMTP:
    return SMTP(
        hostname=server.host,
        port=server.port,
        username=server.username,
        password=server.password,
        use_tls=server.encryption is MailEncryption.TLS,
        start_tls=server.encryption is MailEncryption.STARTTLS,
        timeout=CONNECT_TIMEOUT.total_seconds(),
    )


def _failure(error: Exception) -> MailNotTaken:
    refusals = error.recipients if isinstance(error, SMTPRecipientsRefused) else [error]
    codes = [each.code for each in refusals if isinstance(each, SMTPResponseException)]
    answer = str(max(codes)) if codes else type(error).__name__
    return MailNotTaken(answer, lasting=bool(codes) and max(codes) >= _PERMANENT)
