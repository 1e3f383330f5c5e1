"""Encrypt secrets before they are stored."""

import hashlib
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import SecretStr

from slotsync.errors import SettingsError, SlotsyncError


class Vault:
    """Encrypts with the first key and decrypts with any: a new key is put before the old ones.

    Raises:
        SettingsError: There are no keys.
    """

    def __init__(self, keys: Sequence[SecretStr | str]) -> None:
        if not keys:
            raise SettingsError("SLOTSYNC_ENCRYPTION_KEYS: is not set")
        fernets = [Fernet(_plain(key)) for key in keys]
        self._fernet = MultiFernet(fernets)
        self._newest = fernets[0]
        self.fingerprints = tuple(_fingerprint(_plain(key)) for key in keys)

    def encrypt(self, text: str) -> str:
        """Return the encrypted text."""
        return self._fernet.encrypt(text.encode()).decode()

    def decrypt(self, encrypted: str) -> str:
        """Return the decrypted text.

        Raises:
            SlotsyncError: No key fits, or the text is damaged.
        """
        try:
            return self._fernet.decrypt(encrypted.encode()).decode()
        except InvalidToken:
            raise _no_key_fits() from None

    def is_current(self, encrypted: str) -> bool:
        """Return whether the text was encrypted with the first key."""
        try:
            self._newest.decrypt(encrypted)
        except InvalidToken:
            return False
        return True

    def rotate(self, encrypted: str) -> str:
        """Return the text encrypted again, with the first key.

        Raises:
            SlotsyncError: No key fits, or the text is damaged.
        """
        try:
            return self._fernet.rotate(encrypted).decode()
        except InvalidToken:
            raise _no_key_fits() from None


def _plain(key: SecretStr | str) -> str:
    return key.get_secret_value() if isinstance(key, SecretStr) else key


def _fingerprint(key: str) -> str:
    """Return a text that names a key and says nothing of it: a key has 256 random bits."""
    return hashlib.sha256(f"slotsync {key}".encode()).hexdigest()[:16]


def _no_key_fits() -> SlotsyncError:
    return SlotsyncError(
        "A secret cannot be decrypted: no key in SLOTSYNC_ENCRYPTION_KEYS fits, or it was damaged. "
        "Put the key that it was encrypted with back at the end of the list."
    )
