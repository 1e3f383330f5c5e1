"""The mail server that takes slotsync's e-mails, as a URL names it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from slotsync.domain.web_address import is_loopback


class MailEncryption(StrEnum):
    """The ways in which a connection to a mail server is encrypted."""

    TLS = "tls"
    STARTTLS = "starttls"
    NONE = "none"


_DEFAULT_PORTS: Final[Mapping[MailEncryption, int]] = {
    MailEncryption.TLS: 465,
    MailEncryption.STARTTLS: 587,
    MailEncryption.NONE: 25,
}


@dataclass(frozen=True, repr=False)
class MailServer:
    """A mail server, with the name and password that it wants, or None. It has no repr, so that none is logged."""

    host: str
    port: int
    encryption: MailEncryption
    username: str | None = None
    password: str | None = None

    @classmethod
    def parse(cls, url: str) -> "MailServer":
        """Return the server at ``smtp://user:password@host:port``, or ``smtps://`` for TLS from the first byte.

        With ``smtp://`` the connection is encrypted by STARTTLS, unless the server is on this machine.

        Raises:
            ValueError: it is another URL; the message quotes nothing of it.
        """
        parts = urlsplit(url)
        if parts.scheme not in {"smtp", "smtps"}:
            raise ValueError("must start with smtp:// or smtps://")
        if not parts.hostname:
            raise ValueError("names no host")
        if parts.path.strip("/") or parts.query or parts.fragment:
            raise ValueError("has something behind host and port")
        if (parts.username is None) is not (parts.password is None):
            raise ValueError("names a user without a password, or the other way round")
        encryption = _encryption(parts.scheme, parts.hostname)
        return cls(
            host=parts.hostname,
            port=_port(parts) or _DEFAULT_PORTS[encryption],
            encryption=encryption,
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
        )


def _encryption(scheme: str, host: str) -> MailEncryption:
    if scheme == "smtps":
        return MailEncryption.TLS
    return MailEncryption.NONE if is_loopback(host) else MailEncryption.STARTTLS


def _port(parts: SplitResult) -> int | None:
    try:
        return parts.port
    except ValueError:
        raise ValueError("has a port that is no port") from None
