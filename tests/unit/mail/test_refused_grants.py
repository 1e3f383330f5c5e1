"""E-mails about refused grants: in the merchant's language, for those who can help, with one link."""

from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage

import pytest

from slotsync.domain.connections.mails import RefusedGrantMail
from slotsync.mail.refused_grants import write_mail

LINK = "https://slots.example/google/reconnect?link=WyJhIiwxXQ.a-B_c"
MAIL = RefusedGrantMail(
    id="grant-1-2-1",
    merchant="arctic-kayaks",
    grant_number=2,
    number=1,
    reason="invalid_grant",
    since=datetime(2026, 11, 22, 12, tzinfo=UTC),
    address="owner@arctic.example",
    name="Kajak & Meri Ky",
)
SENDER = "slotsync@slots.example"


def received(**changes: object) -> EmailMessage:
    """Return the e-mail with these changes, as a mail program reads it."""
    content = write_mail(MAIL.model_copy(update=changes), LINK, SENDER).content
    return message_from_bytes(content, EmailMessage, policy=policy.SMTP)


def texts(**changes: object) -> tuple[str, str, str]:
    """Return subject, plain text and HTML of the e-mail with these changes."""
    message = received(**changes)
    text, page = (message.get_body((kind,)) for kind in ("plain", "html"))
    assert text
    assert page
    return message["Subject"], text.get_content().replace("\r\n", "\n"), page.get_content()


def test_an_e_mail_says_since_when_and_what_to_do() -> None:
    subject, text, page = texts()
    assert subject == "Google Calendar is no longer connected: Kajak & Meri Ky"
    assert "Since 22 November 2026" in text
    assert f"\n{LINK}\n" in text
    assert text.count("http") == 1
    assert f'<a href="{LINK}"' in page
    assert "Kajak &amp; Meri Ky" in page
    assert "<img" not in page


def test_a_reminder_says_that_it_is_one_and_the_last_one_what_follows() -> None:
    assert texts(number=2)[0].startswith("Reminder: ")
    assert "last reminder" not in texts(number=4)[1]
    assert "last reminder. We ask Google again each day until 22 December 2026" in texts(number=5)[1]


@pytest.mark.parametrize(
    ("reason", "helps"),
    [
        ("invalid_grant", "connect the same Google account again"),
        ("admin_policy_enforced", "The administrator of your Google Workspace"),
        ("policy_enforced", "Advanced Protection"),
    ],
)
def test_an_e_mail_names_who_can_help(reason: str, helps: str) -> None:
    assert helps in texts(reason=reason)[1]


def test_once_the_grant_is_forgotten_only_a_new_one_is_asked_for() -> None:
    text = texts(reason="admin_policy_enforced", number=5, forgotten=True)[1]
    assert "connect the same Google account again" in text
    assert "administrator" not in text
    assert "each day until" not in text


def test_a_finnish_merchant_reads_finnish_and_one_of_another_language_english() -> None:
    subject, text, page = texts(language="fi", number=5)
    assert subject == "Muistutus: Google Kalenteri ei ole yhdistettynä: Kajak & Meri Ky"
    assert "22. marraskuuta 2026 alkaen" in text
    assert "22. joulukuuta 2026 asti" in text
    assert 'lang="fi"' in page
    assert texts(language="sv") == texts(language="en")


def test_the_picture_of_the_merchant_is_in_the_page() -> None:
    page = texts(logo_url="https://platform.example/logo.png?a=1&b=2")[2]
    assert '<img src="https://platform.example/logo.png?a=1&amp;b=2" alt="Kajak &amp; Meri Ky"' in page


def test_an_e_mail_that_is_sent_again_has_its_message_id() -> None:
    first, again = (received()["Message-ID"] for _ in range(2))
    assert first == again == "<grant-1-2-1@slots.example>"


def test_a_name_can_add_no_element() -> None:
    message = received(name="<b>Kayaks</b> %(x)s {{ 7 * 7 }}")
    assert "<b>" not in message.get_body(("html",)).get_content()  # type: ignore[union-attr]  # there is one
    assert message["Subject"].endswith("<b>Kayaks</b> %(x)s {{ 7 * 7 }}")


HEADERS = ["Subject", "From", "To", "Date", "Message-ID", "Auto-Submitted", "Content-Language"]

ODD_NAMES = [
    "=?utf-8?q?Kayaks=0d=0aReply-To:_evil@x.example?=",
    "=?utf-8?q?K=0d=0aContent-Type:_text/html=0d=0a=0d=0a<a_href=3d=22https://evil.example=22>Confirm</a><!--?=",
    "=?utf-8?b?S2F5YWtz?= =?utf-8?q?_Kajakki?=",
    "=?Kajakki?=",
    "Kajakkiä =?utf-8?q?x=0a?=",
    "Kayaks\r\nReply-To: evil@x.example",
    "Kayaks\x85\x0b\u2028Reply-To: evil@x.example",
    "Meri " * 40,
    "\u00e4\U0001f6f6" * 100,
    "K" * 200,
]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_name_is_text_in_the_subject_whatever_it_looks_like(name: str) -> None:
    content = write_mail(MAIL.model_copy(update={"name": name}), LINK, SENDER).content
    head, _, body = content.partition(b"\r\n\r\n")
    lines = head.decode("ascii").split("\r\n")
    assert all(len(line) <= 78 for line in lines)
    fields = [line.partition(":")[0] for line in lines if not line.startswith(" ")]
    assert fields == [*HEADERS, "MIME-Version", "Content-Type"]
    assert body.startswith(b"--=====")
    raw = message_from_bytes(content)["Subject"]  # by Python's older reader, which does not decode
    shown = f"Google Calendar is no longer connected: {' '.join(name.splitlines())}"
    assert str(make_header(decode_header(raw))).rstrip() == shown.rstrip()
    assert texts(name=name)[0].rstrip() == shown.rstrip()


def test_an_address_stands_in_the_header_as_it_is() -> None:
    address = "=?utf-8?q?x=2cevil=40x.example=2c?=@" + "shop." * 40 + "example"
    mail = write_mail(MAIL.model_copy(update={"address": address}), LINK, SENDER)
    assert mail.recipient == address
    assert f"\r\nTo: {address}\r\n".encode() in mail.content
