"""Addresses to which slotsync sends secrets, or people."""

from ipaddress import ip_address
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator

_LOOPBACK: Final = "localhost"


def check_web_address(url: str) -> str:
    """Return the address: an https one, or an http one on this machine; empty if there is none.

    Raises:
        ValueError: it is another one, or a link-local one, at which clouds serve their machines' own secrets.
    """
    if not url:
        return url
    if not url.startswith(("http://", "https://")):
        raise ValueError("must start with http:// or https://")
    host = urlsplit(url).hostname or ""
    if not host:
        raise ValueError("names no host")
    if _is_link_local(host):
        raise ValueError("is a link-local address")
    if url.startswith("http://") and not is_loopback(host):
        raise ValueError("must start with https://, unless it is on this machine")
    return url


WebAddress = Annotated[str, AfterValidator(check_web_address)]


def is_loopback(host: str) -> bool:
    """Return whether the host, a name or an address, is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == _LOOPBACK or host.endswith(f".{_LOOPBACK}")


def _is_link_local(host: str) -> bool:
    try:
        return ip_address(host).is_link_local
    except ValueError:
        return False
