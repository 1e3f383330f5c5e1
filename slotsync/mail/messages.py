"""E-mails as a mail server takes them. Their headers are written here, since they hold what others have chosen.

Python's own ``EmailMessage`` reads a header that it is given: in a name that looks encoded it finds further headers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from typing import Final

_MAX_PLAIN_LENGTH: Final = 69
"""Longer ones are encoded in pieces: a line has 78 characters at most (RFC 5322, 2.1.1), with ``Subject: ``."""

_LINE_END: Final = "\r\n"


@dataclass(frozen=True)
class Mail:
    """An e-mail from one address to another. It is not shown: it names the merchant."""

    sender: str
    recipient: str = field(repr=False)
    content: bytes = field(repr=False)

    @property
    def is_international(self) -> bool:
        """Return whether an address has letters for which the mail server has to know SMTPUTF8 (RFC 6531)."""
        return not (self.sender + self.recipient).isascii()


def compose_mail(headers: Mapping[str, str], *, text: str, page: str) -> Mail:
    """Return the e-mail with this text, and the HTML page as its alternative.

    ``headers`` are ``From`` and ``To`` (one address each), ``Subject`` (any text), and others with values of slotsync's
    own.
    """
    body = EmailMessage(policy=SMTP)
    body.set_content(text, cte="quoted-printable")
    body.add_alternative(page, subtype="html", cte="quoted-printable")
    # Addresses stand as they are: nothing in one may be encoded (RFC 2047, 5).
    encoded = {name: encode_text(value) if name == "Subject" else _one_line(value) for name, value in headers.items()}
    lines = "".join(f"{name}: {value}{_LINE_END}" for name, value in encoded.items())
    return Mail(headers["From"], headers["To"], lines.encode() + body.as_bytes())


def encode_text(text: str) -> str:
    """Return a text as the value of a header, in one line or several, that every reader shows as this text.

    What is short and plain stays as it is. What looks encoded is encoded (RFC 2047), and shown as it looks.
    """
    line = _one_line(text)
    if line.isascii() and line.isprintable() and "=?" not in line and len(line) <= _MAX_PLAIN_LENGTH:
        return line
    return Header(line, "utf-8", header_name="Subject").encode(linesep=_LINE_END)


def _one_line(text: str) -> str:
    return " ".join(text.splitlines())
