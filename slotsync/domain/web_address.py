"""Addresses to which slotsync sends secrets, or people."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator
from pydantic_core import Url

_LOOPBACK: Final = "localhost"

_EMBEDDING: Final = tuple(map(IPv6Network, ("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96")))
"""The networks of IPv6 addresses that end with an IPv4 one."""


def check_web_address(url: str) -> str:
    """Return the address: an https one, or an http one on this machine; empty if there is none.

    Raises:
        ValueError: it is another one, or a link-local one, at which clouds serve their machines' own secrets.
    """
    if not url:
        return url
    if not url.startswith(("http://", "https://")):
        raise ValueError("must start with http:// or https://")
    if " " in url or "\\" in url or not url.isprintable():
        raise ValueError("has a space, a backslash or a character that cannot be seen; encode it, or leave it out")
    host = _read_host(url)
    if _is_link_local(host):
        raise ValueError("is a link-local address")
    if url.startswith("http://") and not is_loopback(host):
        raise ValueError("must start with https://, unless it is on this machine")
    return url


WebAddress = Annotated[str, AfterValidator(check_web_address)]


def _read_host(url: str) -> str:
    """Return the host as browsers read it, who know several spellings of an IP address.

    Raises:
        ValueError: there is none, or browsers would refuse it.
    """
    try:
        named, host = urlsplit(url).hostname, Url(url).host
    except ValueError:
        named = host = None
    if not named or not host:
        raise ValueError("names no host that can be read")
    return host.strip("[]").removesuffix(".")


def is_loopback(host: str) -> bool:
    """Return whether the host, a name or an address, is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == _LOOPBACK or host.endswith(f".{_LOOPBACK}")


def _is_link_local(host: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return any(each.is_link_local for each in (address, *_find_embedded(address)))


def _find_embedded(address: IPv4Address | IPv6Address) -> list[IPv4Address]:
    """Return the IPv4 addresses that an IPv6 address stands for."""
    if isinstance(address, IPv4Address):
        return []
    embedded = [IPv4Address(address.packed[-4:])] if any(address in each for each in _EMBEDDING) else []
    return embedded + ([address.sixtofour] if address.sixtofour else [])
