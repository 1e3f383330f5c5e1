"""E-mails are handed over to a mail server that is trusted, and its refusals are told apart."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from slotsync.domain.mail_server import MailServer
from slotsync.errors import MailNotTaken
from slotsync.mail.messages import Mail, compose_mail
from slotsync.mail.sending import check_server, send_mail
from tests.support.mail_receiver import MailReceiver, running_mail_receiver

pytestmark = pytest.mark.anyio


def mail(recipient: str = "b@arctic.example") -> Mail:
    headers = {"Subject": "Hello", "From": "a@slots.example", "To": recipient}
    return compose_mail(headers, text="Hello\n", page="<p>Hello</p>")


async def send(server: MailServer) -> list[str]:
    """Send an e-mail, and return what was recorded."""
    recorded = list[str]()

    async def record() -> None:
        recorded.append("taken")

    await send_mail(server, mail(), record)
    return recorded


@pytest.mark.parametrize(
    ("answer", "lasting"), [("451 4.3.0 Try again later", False), ("552 5.2.2 b@arctic.example is full", True)]
)
async def test_a_refusal_is_told_without_the_servers_words(mailbox: MailReceiver, answer: str, lasting: bool) -> None:
    mailbox.fail(answer)
    with pytest.raises(MailNotTaken) as refused:
        await send(MailServer.parse(mailbox.url))
    assert (refused.value.answer, refused.value.lasting) == (answer[:3], lasting)
    assert "arctic" not in str(refused.value)
    assert refused.value.__context__ is None


async def test_a_lost_answer_is_not_recorded_as_taken(mailbox: MailReceiver) -> None:
    mailbox.lose_answers(1)
    with pytest.raises(MailNotTaken) as lost:
        await send(MailServer.parse(mailbox.url))
    assert not lost.value.lasting
    assert await send(MailServer.parse(mailbox.url)) == ["taken"]


async def test_an_address_may_have_letters_of_any_language(mailbox: MailReceiver) -> None:
    address = "käyttäjä@merikauppa.example"
    await send_mail(MailServer.parse(mailbox.url), mail(address), nothing)
    (received,) = mailbox.mails
    assert (received.recipients, received.message["To"]) == ((address,), address)


async def nothing() -> None:
    """Record nothing."""


async def test_a_server_that_is_not_there_or_does_not_know_us_is_found_by_the_check(mailbox: MailReceiver) -> None:
    await check_server(MailServer.parse(mailbox.url))
    with pytest.raises(MailNotTaken) as unknown:
        await check_server(MailServer.parse(f"smtp://me:wrong-password@localhost:{mailbox.port}"))
    assert (unknown.value.answer, unknown.value.lasting) == ("535", True)
    with pytest.raises(MailNotTaken) as nobody:
        await check_server(MailServer.parse("smtp://localhost:1"))
    assert not nobody.value.lasting


async def test_over_tls_only_a_server_with_a_trusted_certificate_gets_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tls_mailbox(tmp_path) as receiver:
        server = MailServer.parse(receiver.url)
        with pytest.raises(MailNotTaken):
            await send(server)
        assert (receiver.sign_ins, receiver.attempts) == ([], 0)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
        assert await send(server) == ["taken"]
        assert receiver.sign_ins


@contextmanager
def tls_mailbox(folder: Path) -> Iterator[MailReceiver]:
    """Yield a mail server with a certificate that it has signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(pem))
    plain = serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    with running_mail_receiver(context) as receiver:
        yield receiver
