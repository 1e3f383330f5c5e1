"""Encryption of what must stay secret where it rests."""

from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import SecretStr

from slotsync.errors import SettingsError, SlotsyncError


class Vault:
    """Seals with the first key, opens with whichever fits: a new key is put in front of the old ones."""

    def __init__(self, keys: Sequence[SecretStr | str]) -> None:
        if not keys:
            raise SettingsError("SLOTSYNC_ENCRYPTION_KEYS: is not set")
        fernets = [Fernet(_plain(key)) for key in keys]
        self._fernet = MultiFernet(fernets)
        self._newest = fernets[0]

    def encrypt(self, text: str) -> str:
        """The text, readable only with a key."""
        return self.encrypt_bytes(text.encode()).decode()

    def decrypt(self, sealed: str) -> str:
        """What was sealed."""
        return self.decrypt_bytes(sealed.encode()).decode()

    def is_current(self, sealed: str) -> bool:
        """Whether it was sealed with the first key."""
        try:
            self._newest.decrypt(sealed)
        except InvalidToken:
            return False
        return True

    def rotate(self, sealed: str) -> str:
        """The same secret, sealed anew with the first key."""
        try:
            return self._fernet.rotate(sealed).decode()
        except InvalidToken:
            raise _no_key_fits() from None

    def encrypt_bytes(self, plain: bytes) -> bytes:
        """The bytes, readable only with a key."""
        return self._fernet.encrypt(plain)

    def decrypt_bytes(self, sealed: bytes) -> bytes:
        """What was sealed."""
        try:
            return self._fernet.decrypt(sealed)
        except InvalidToken:
            raise _no_key_fits() from None


def _plain(key: SecretStr | str) -> str:
    return key.get_secret_value() if isinstance(key, SecretStr) else key


def _no_key_fits() -> SlotsyncError:
    return SlotsyncError(
        "A secret cannot be opened: no key in SLOTSYNC_ENCRYPTION_KEYS fits, or it was damaged. "
        "Put the key that it was sealed with back at the end of the list."
    )
