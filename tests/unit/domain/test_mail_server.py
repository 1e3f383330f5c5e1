"""Mail servers, as URLs name them."""

import pytest

from slotsync.domain.mail_server import MailEncryption, MailServer


def parts(url: str) -> tuple[str, int, MailEncryption, str | None, str | None]:
    server = MailServer.parse(url)
    return server.host, server.port, server.encryption, server.username, server.password


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.example", ("mail.example", 587, MailEncryption.STARTTLS, None, None)),
        ("smtps://mail.example/", ("mail.example", 465, MailEncryption.TLS, None, None)),
        ("smtp://localhost:1025", ("localhost", 1025, MailEncryption.NONE, None, None)),
        ("smtp://127.0.0.1", ("127.0.0.1", 25, MailEncryption.NONE, None, None)),
        (
            "smtps://me%40x.example:p%2Fw@mail.example:2465",
            ("mail.example", 2465, MailEncryption.TLS, "me@x.example", "p/w"),
        ),
    ],
)
def test_a_connection_is_encrypted_unless_the_server_is_on_this_machine(url: str, expected: tuple[object, ...]) -> None:
    assert parts(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "mail.example:587",
        "https://mail.example",
        "smtp://",
        "smtp://mail.example:port",
        "smtp://user@mail.example",
        "smtp://mail.example/inbox",
        "smtp://mail.example?tls=none",
    ],
)
def test_another_url_is_refused_without_being_quoted(url: str) -> None:
    with pytest.raises(ValueError, match=r"must start|names|has") as refused:
        MailServer.parse(url)
    assert "mail.example" not in str(refused.value)
    assert "user" not in repr(MailServer.parse("smtp://user:secret@mail.example"))
