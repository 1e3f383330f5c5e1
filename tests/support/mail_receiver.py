"""A mail server that takes e-mails, and fails on request."""

import threading
from asyncio import Transport
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from ssl import SSLContext
from urllib.parse import quote

import httpx
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from pydantic import SecretStr

from slotsync.settings import Settings
from tests.support.processes import free_ports

USER, PASSWORD = "slotsync@mail.example", "a secret / of the mail server"


@dataclass(frozen=True)
class ReceivedMail:
    """An e-mail that was taken, and to whom it is sent."""

    recipients: tuple[str, ...]
    message: EmailMessage

    @property
    def text(self) -> str:
        """Its plain text."""
        return self._part("plain")

    @property
    def page(self) -> str:
        """Its HTML."""
        return self._part("html")

    @property
    def link(self) -> str:
        """The only address in its text."""
        (found,) = [word for word in self.text.split() if word.startswith("http")]
        return str(httpx.URL(found))

    def _part(self, subtype: str) -> str:
        part = self.message.get_body((subtype,))
        assert part
        return str(part.get_content())


class MailReceiver:
    """Receives e-mails. ``mails`` are those that it took, in order, repeated ones too; ``attempts`` are all."""

    def __init__(self) -> None:
        self.port = 0
        self.scheme = "smtp"
        self.mails: list[ReceivedMail] = []
        self.attempts = 0
        self.sign_ins: list[tuple[str, str]] = []
        self._lock = threading.Lock()
        self._next: list[str] = []
        self._always = ""
        self._arrived, self._open = threading.Event(), threading.Event()
        self._open.set()

    @property
    def url(self) -> str:
        """The address of the server, with user and password."""
        return f"{self.scheme}://{quote(USER)}:{quote(PASSWORD, safe='')}@localhost:{self.port}"

    def settings(self, settings: Settings) -> Settings:
        """Return the settings with e-mails sent to this receiver."""
        return settings.model_copy(update={"smtp_url": SecretStr(self.url)})

    def fail(self, answer: str, *, times: int | None = None) -> None:
        """Give this answer to the next e-mails, or to all until ``heal``."""
        with self._lock:
            if times is None:
                self._always = answer
            else:
                self._next += [answer] * times

    def lose_answers(self, times: int) -> None:
        """Take the next e-mails, but drop the connection instead of answering."""
        self.fail("", times=times)

    def heal(self) -> None:
        """Answer without failures from now on."""
        with self._lock:
            self._always = ""
            self._next.clear()

    @contextmanager
    def held_up(self) -> Iterator[Callable[[], Awaitable[bool]]]:
        """Hold all connections within the block, and yield a function that returns whether one has arrived."""

        async def arrived() -> bool:
            return self._arrived.is_set()

        self._arrived.clear()
        self._open.clear()
        try:
            yield arrived
        finally:
            self._open.set()

    def sign_in(self, _server: SMTP, _session: Session, _envelope: Envelope, _how: str, given: object) -> AuthResult:
        """Accept the user with its password."""
        assert isinstance(given, LoginPassword)
        user, password = given.login.decode(), given.password.decode()
        self.sign_ins.append((user, password))
        return AuthResult(success=(user, password) == (USER, PASSWORD), handled=False)

    async def handle_MAIL(  # noqa: N802  the library's name
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Wait as long as connections are held; this server has an event loop of its own."""
        self._arrived.set()
        self._open.wait()
        if not session.authenticated:
            return "530 5.7.0 Authentication required"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_DATA(  # noqa: N802  the library's name
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Take the e-mail, or fail as requested."""
        with self._lock:
            self.attempts += 1
            losing = bool(self._next) and not self._next[0]
            failure = self._next.pop(0) if self._next else self._always
            if failure:
                return failure
            assert isinstance(envelope.content, bytes)
            message = message_from_bytes(envelope.content, EmailMessage, policy=SMTP_POLICY)
            self.mails.append(ReceivedMail(tuple(envelope.rcpt_tos), message))
        if losing:
            assert isinstance(server.transport, Transport)
            server.transport.abort()
        return "250 OK"


@contextmanager
def running_mail_receiver(tls: SSLContext | None = None) -> Iterator[MailReceiver]:
    """Yield a receiver in a thread of its own, on a free port."""
    receiver = MailReceiver()
    (receiver.port,) = free_ports(1)
    controller = Controller(
        receiver,
        hostname="localhost",
        port=receiver.port,
        ssl_context=tls,
        authenticator=receiver.sign_in,
        auth_require_tls=False,
    )
    controller.start()
    receiver.scheme = "smtps" if tls else "smtp"
    try:
        yield receiver
    finally:
        controller.stop()
