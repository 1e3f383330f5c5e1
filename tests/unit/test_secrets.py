import pytest
from cryptography.fernet import Fernet

from slotsync.errors import SettingsError, SlotsyncError
from slotsync.secrets import Vault

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def test_an_encrypted_text_is_unreadable_until_it_is_decrypted() -> None:
    encrypted = Vault([NEW]).encrypt("refresh-tökén")
    assert "refresh" not in encrypted
    assert Vault([NEW]).decrypt(encrypted) == "refresh-tökén"


def test_the_first_key_encrypts_while_the_old_one_still_decrypts() -> None:
    encrypted = Vault([OLD]).encrypt("token")
    both = Vault([NEW, OLD])
    assert both.decrypt(encrypted) == "token"
    assert Vault([NEW]).decrypt(both.encrypt("token")) == "token"


def test_after_rotation_the_old_key_is_no_longer_needed() -> None:
    rotated = Vault([NEW, OLD]).rotate(Vault([OLD]).encrypt("token"))
    assert Vault([NEW]).decrypt(rotated) == "token"


def test_without_a_key_that_fits_the_error_names_the_remedy() -> None:
    encrypted = Vault([OLD]).encrypt("token")
    for attempt in (Vault([NEW]).decrypt, Vault([NEW]).rotate):
        with pytest.raises(SlotsyncError, match="no key in SLOTSYNC_ENCRYPTION_KEYS fits"):
            attempt(encrypted)


def test_a_damaged_secret_is_not_decrypted() -> None:
    encrypted = Vault([NEW]).encrypt("token")
    with pytest.raises(SlotsyncError):
        Vault([NEW]).decrypt(encrypted[:-8] + "AAAAAAA=")


def test_no_keys_at_all_is_a_fault_of_the_settings() -> None:
    with pytest.raises(SettingsError, match="SLOTSYNC_ENCRYPTION_KEYS"):
        Vault([])
