"""API keys: who may do what, for which merchants."""

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

from pydantic import SecretStr

from slotsync.domain.messages import is_identifier
from slotsync.errors import SettingsError
from slotsync.settings import Settings
from starter.api.documentation import MERCHANT
from starter.api.middleware import PROTECTED


class Role(StrEnum):
    """The roles of API keys: what a caller may do."""

    REPORT = "report"
    READ = "read"
    MANAGE = "manage"
    CONNECT = "connect"


ALL_ROLES: Final = frozenset(Role)

MIN_SECRET_LENGTH: Final = 32

_RESERVATION: Final = f"{MERCHANT}/reservations/{{reservation}}"
_PRODUCT: Final = f"{MERCHANT}/products/{{product}}"
_RESOURCE: Final = f"{MERCHANT}/resources/{{resource}}"

NEEDED_ROLES: Final[Mapping[tuple[str, str], Role]] = {
    ("PUT", _RESERVATION): Role.REPORT,
    ("GET", _RESERVATION): Role.READ,
    ("GET", f"{_RESERVATION}/timeline"): Role.READ,
    ("GET", f"{PROTECTED}/merchants"): Role.READ,
    ("GET", MERCHANT): Role.READ,
    ("PUT", MERCHANT): Role.MANAGE,
    ("GET", f"{MERCHANT}/audit"): Role.READ,
    ("GET", f"{MERCHANT}/messages"): Role.READ,
    ("GET", f"{MERCHANT}/messages/{{message}}"): Role.READ,
    ("POST", f"{MERCHANT}/messages:resend"): Role.MANAGE,
    ("POST", f"{MERCHANT}/messages/{{message}}/resend"): Role.MANAGE,
    ("POST", f"{MERCHANT}/messages/{{message}}/skip"): Role.MANAGE,
    ("GET", f"{MERCHANT}/products"): Role.READ,
    ("GET", f"{MERCHANT}/resources"): Role.READ,
    ("GET", f"{MERCHANT}/conflicts"): Role.READ,
    ("GET", f"{MERCHANT}/drift"): Role.READ,
    ("POST", f"{MERCHANT}/drift/{{drift}}/answer"): Role.MANAGE,
    ("GET", f"{MERCHANT}/reservations"): Role.READ,
    ("GET", _PRODUCT): Role.READ,
    ("PUT", _PRODUCT): Role.MANAGE,
    ("DELETE", _PRODUCT): Role.MANAGE,
    ("GET", _RESOURCE): Role.READ,
    ("PUT", _RESOURCE): Role.MANAGE,
    ("DELETE", _RESOURCE): Role.MANAGE,
    ("GET", f"{_PRODUCT}/availability"): Role.READ,
    ("GET", f"{_PRODUCT}/explain"): Role.READ,
    ("POST", f"{_PRODUCT}/confirm"): Role.READ,
    ("GET", f"{_PRODUCT}/blocking-calendars"): Role.READ,
    ("PUT", f"{_PRODUCT}/blocking-calendars"): Role.MANAGE,
    ("GET", f"{MERCHANT}/google"): Role.READ,
    ("GET", f"{MERCHANT}/google/calendars"): Role.CONNECT,
    ("POST", f"{MERCHANT}/google/connect"): Role.CONNECT,
    ("POST", f"{MERCHANT}/google/complete"): Role.CONNECT,
    ("DELETE", f"{MERCHANT}/google"): Role.CONNECT,
    ("POST", f"{MERCHANT}/settings-link"): Role.CONNECT,
}
"""The role that each route needs. One that is not here is closed to everybody."""


@dataclass(frozen=True)
class ApiKey:
    """A key by its name. It opens the merchants with ids that begin with ``merchants``; all, if that is empty."""

    name: str
    roles: frozenset[Role] = ALL_ROLES
    merchants: str = ""

    def may(self, role: Role | None) -> bool:
        """Return whether the key has the role; nobody has None."""
        return role in self.roles

    def opens(self, merchant: str) -> bool:
        """Return whether the key is for this merchant."""
        return merchant.startswith(self.merchants)


class ApiKeys:
    """The valid API keys. Of their secrets only the hashes are kept."""

    def __init__(self, keys: Iterable[tuple[ApiKey, str]]) -> None:
        self._keys = [(key, _hash(secret.encode())) for key, secret in keys]

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Return the keys of the setting SLOTSYNC_API_KEYS.

        Raises:
            SettingsError: no key is set, or one cannot be read.
        """
        if not settings.api_keys:
            raise SettingsError(f"SLOTSYNC_API_KEYS: is not set ({_REMEDY})")
        keys = [_read(number, each) for number, each in enumerate(settings.api_keys, 1)]
        _check_distinct(keys)
        return cls(keys)

    def find(self, secret: bytes) -> ApiKey | None:
        """Return the key with this secret, or None if there is none. All secrets take the same time."""
        presented = _hash(secret)
        found = [key for key, known in self._keys if hmac.compare_digest(presented, known)]
        return found[0] if found else None


_REMEDY: Final = "make one with: python -c 'import secrets; print(secrets.token_urlsafe(32))'"
_NAME = re.compile(r"(?=.*[A-Za-z0-9])[A-Za-z0-9_.-]{1,64}")
"""With a letter or a digit: log lines say - where there is no key."""

_SECRET = re.compile(r"[!-~]*")
"""Characters that every client sends in a header as they are."""


def _read(number: int, text: SecretStr) -> tuple[ApiKey, str]:
    """Return the key in one entry: a secret alone, or ``name:roles:secret`` with roles such as ``report+read``.

    ``roles@prefix`` limits it to merchants with ids that begin so.
    """
    *described, secret = text.get_secret_value().split(":")
    if len(secret) < MIN_SECRET_LENGTH:
        raise _wrong(number, f"has a secret of less than {MIN_SECRET_LENGTH} characters; {_REMEDY}")
    if not _SECRET.fullmatch(secret):
        raise _wrong(number, f"has a secret with spaces or characters that are not ASCII; {_REMEDY}")
    if not described:
        return ApiKey(f"key-{number}"), secret
    if len(described) != 2 or not _NAME.fullmatch(described[0]):  # noqa: PLR2004  name and roles
        raise _wrong(number, "is neither a secret alone nor name:roles:secret")
    roles, limited, merchants = described[1].partition("@")
    # As the beginning of an id.
    if limited and not (merchants and is_identifier(f"{merchants}x")):
        raise _wrong(number, "limits it to merchants that cannot be: give the beginning of their ids after the @")
    return ApiKey(described[0], _read_roles(number, roles), merchants), secret


def _check_distinct(keys: Sequence[tuple[ApiKey, str]]) -> None:
    """Check that each secret is in one key, and that keys of one name have the same roles and merchants.

    Raises:
        SettingsError: two keys have one secret, or one name and other roles or merchants.
    """
    numbers, named = dict[str, int](), dict[str, ApiKey]()
    for number, (key, secret) in enumerate(keys, 1):
        first = numbers.setdefault(secret, number)
        if first != number:
            raise _wrong(number, f"has the secret of key {first}: make one for each")
        if named.setdefault(key.name, key) != key:
            raise _wrong(number, f"has the name {key.name} like another one with other roles or merchants")


def _read_roles(number: int, text: str) -> frozenset[Role]:
    if text == "all":
        return ALL_ROLES
    try:
        return frozenset(map(Role, text.split("+")))
    except ValueError:
        known = ", ".join(Role)
        raise _wrong(number, f"has a role that is none of {known}; join several with +, or give all") from None


def _wrong(number: int, problem: str) -> SettingsError:
    return SettingsError(f"SLOTSYNC_API_KEYS: key {number} {problem}")


def _hash(secret: bytes) -> bytes:
    return hashlib.sha256(secret).digest()
