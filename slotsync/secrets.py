"""Encrypt what is stored: each value with its merchant's data key, which the keys of the settings (the ring) wrap."""

import hashlib
import hmac
import os
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Lock
from typing import Final

from cachetools import TTLCache
from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import SecretStr

from slotsync.errors import SettingsError, Undecryptable

PREFIX: Final = "v1."
"""The begin of each value that is encrypted with a data key; the former values are Fernet tokens, which have no dot."""

KEY_ID_LENGTH: Final = 16

KEY_CACHE_TIME: Final = timedelta(minutes=5)
"""The longest that a process remembers a data key, also one that was erased meanwhile."""

_MAX_CACHED_KEYS: Final = 10_000
_NONCE_BYTES: Final = 12
_KEY_BITS: Final = 256


class DataKey:
    """A key of one merchant (AES-256-GCM). Each value is bound to a text, its place, and opens nowhere else."""

    def __init__(self, key_id: str, secret: bytes) -> None:
        self.id = key_id
        self._secret = secret
        self._cipher = AESGCM(secret)

    def encrypt(self, text: str, place: str) -> str:
        """Return the encrypted text, which names this key."""
        return f"{PREFIX}{self.id}.{_encrypt(self._cipher, text.encode(), place)}"

    def decrypt(self, encrypted: str, place: str) -> str:
        """Return the decrypted text.

        Raises:
            Undecryptable: the text is damaged, or was moved here from another place.
        """
        return _decrypt(self._cipher, encrypted.removeprefix(f"{PREFIX}{self.id}."), place).decode()

    def hash(self, text: str, purpose: str) -> str:
        """Return a hash (HMAC-SHA256) that nobody can compute without the key."""
        return hmac.digest(_derive(self._secret, purpose), text.encode(), "sha256").hex()


@dataclass(frozen=True)
class WrappedKey:
    """A data key as it is stored: encrypted with the key of the ring that ``ring_key`` names."""

    merchant: str
    id: str
    ring_key: str
    wrapped: str = field(repr=False)

    @property
    def place(self) -> str:
        """The place to which the wrapped key is bound."""
        return f"data key {self.id} of {self.merchant}"


class Vault:
    """The ring of one process: the keys that wrap data keys, and that have encrypted all values formerly.

    Raises:
        SettingsError: There are no keys.
    """

    def __init__(self, keys: Sequence[SecretStr | str]) -> None:
        if not keys:
            raise SettingsError("SLOTSYNC_ENCRYPTION_KEYS: is not set")
        plain = {_fingerprint(_plain(key)): _plain(key) for key in keys}
        self.fingerprints = tuple(plain)
        self._fernets = {name: Fernet(key) for name, key in plain.items()}
        self._ciphers = {
            name: AESGCM(_derive(urlsafe_b64decode(key), "slotsync data keys")) for name, key in plain.items()
        }
        self._opened: TTLCache[str, DataKey] = TTLCache(_MAX_CACHED_KEYS, KEY_CACHE_TIME.total_seconds())
        self._lock = Lock()

    def make_key(self, merchant: str, ring_key: str | None = None) -> WrappedKey:
        """Return a new data key, wrapped with this key of the ring, or with the first one if that is None.

        Raises:
            Undecryptable: It is not in the ring: the other processes have other keys than this one.
        """
        key_id = secrets.token_hex(KEY_ID_LENGTH // 2)
        name = ring_key or self.fingerprints[0]
        if name not in self._ciphers:
            raise Undecryptable(
                "Nothing can be encrypted for a new merchant: the key with which the other processes do that is not in "
                "this one's SLOTSYNC_ENCRYPTION_KEYS; give all processes the same keys."
            )
        return self._wrap(merchant, key_id, AESGCM.generate_key(_KEY_BITS), name)

    def rewrap(self, key: WrappedKey) -> WrappedKey:
        """Return the data key wrapped with the first key of the ring.

        Raises:
            Undecryptable: No key fits, or it is damaged.
        """
        return self._wrap(key.merchant, key.id, self._unwrap(key), self.fingerprints[0])

    def open(self, key: WrappedKey) -> DataKey:
        """Return the data key, and remember it for a while.

        Raises:
            Undecryptable: No key fits, or it is damaged.
        """
        opened = DataKey(key.id, self._unwrap(key))
        with self._lock:
            self._opened[key.id] = opened
        return opened

    def find(self, key_id: str) -> DataKey | None:
        """Return the data key with this id, or None if this process does not remember it."""
        with self._lock:
            return self._opened.get(key_id)

    def can_open(self, key: WrappedKey) -> bool:
        """Return whether the ring opens this data key."""
        try:
            self._unwrap(key)
        except Undecryptable:
            return False
        return True

    def encrypt(self, text: str) -> str:
        """Return the text encrypted as formerly, by the ring itself: other processes may not know data keys yet."""
        return self._fernets[self.fingerprints[0]].encrypt(text.encode()).decode()

    def decrypt(self, encrypted: str) -> str:
        """Return the decrypted text of a former value.

        Raises:
            Undecryptable: No key fits, or the text is damaged.
        """
        if ring_key := self.find_ring_key(encrypted):
            return self._fernets[ring_key].decrypt(encrypted).decode()
        raise _no_key_fits()

    def find_ring_key(self, encrypted: str) -> str | None:
        """Return the fingerprint of the key that opens a former value, or None if no key does."""
        return next((name for name, fernet in self._fernets.items() if _opens(fernet, encrypted)), None)

    def _wrap(self, merchant: str, key_id: str, secret: bytes, ring_key: str) -> WrappedKey:
        key = WrappedKey(merchant, key_id, ring_key, "")
        return WrappedKey(merchant, key_id, ring_key, _encrypt(self._ciphers[ring_key], secret, key.place))

    def _unwrap(self, key: WrappedKey) -> bytes:
        if cipher := self._ciphers.get(key.ring_key):
            return _decrypt(cipher, key.wrapped, key.place)
        raise _no_key_fits()


def read_key_id(encrypted: str) -> str | None:
    """Return the id of the data key of a value, or None of a former value."""
    return encrypted[len(PREFIX) : len(PREFIX) + KEY_ID_LENGTH] if encrypted.startswith(PREFIX) else None


def is_of_data_key(encrypted: str | None) -> bool:
    """Return whether the value is encrypted with a data key, and not as formerly by the ring itself."""
    return bool(encrypted and encrypted.startswith(PREFIX))


def _encrypt(cipher: AESGCM, content: bytes, place: str) -> str:
    nonce = os.urandom(_NONCE_BYTES)
    return urlsafe_b64encode(nonce + cipher.encrypt(nonce, content, place.encode())).decode()


def _decrypt(cipher: AESGCM, encrypted: str, place: str) -> bytes:
    try:
        raw = urlsafe_b64decode(encrypted)
        return cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], place.encode())
    except (InvalidTag, ValueError):
        raise Undecryptable("A secret is damaged, or was moved to another place: it does not open there.") from None


def _derive(secret: bytes, purpose: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose.encode()).derive(secret)


def _opens(fernet: Fernet, encrypted: str) -> bool:
    try:
        fernet.decrypt(encrypted)
    except InvalidToken:
        return False
    return True


def _plain(key: SecretStr | str) -> str:
    return key.get_secret_value() if isinstance(key, SecretStr) else key


def _fingerprint(key: str) -> str:
    """Return a text that names a key and says nothing of it: a key has 256 random bits."""
    return hashlib.sha256(f"slotsync {key}".encode()).hexdigest()[:16]


def _no_key_fits() -> Undecryptable:
    return Undecryptable(
        "A secret cannot be decrypted: no key in SLOTSYNC_ENCRYPTION_KEYS fits, or it was damaged. "
        "Put the key that it was encrypted with back at the end of the list."
    )
