import pytest
from cryptography.fernet import Fernet

from slotsync.errors import SettingsError, SlotsyncError
from slotsync.secrets import Vault

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def test_what_was_sealed_opens_and_shows_nothing_before() -> None:
    sealed = Vault([NEW]).encrypt("refresh-tökén")
    assert "refresh" not in sealed
    assert Vault([NEW]).decrypt(sealed) == "refresh-tökén"


def test_bytes_of_any_kind_can_be_sealed() -> None:
    assert Vault([NEW]).decrypt_bytes(Vault([NEW]).encrypt_bytes(b"\x00\xff")) == b"\x00\xff"


def test_a_new_key_in_front_seals_while_the_old_one_still_opens() -> None:
    sealed = Vault([OLD]).encrypt("token")
    both = Vault([NEW, OLD])
    assert both.decrypt(sealed) == "token"
    assert Vault([NEW]).decrypt(both.encrypt("token")) == "token"


def test_after_rotation_the_old_key_is_no_longer_needed() -> None:
    rotated = Vault([NEW, OLD]).rotate(Vault([OLD]).encrypt("token"))
    assert Vault([NEW]).decrypt(rotated) == "token"


def test_without_a_key_that_fits_the_remedy_is_told() -> None:
    sealed = Vault([OLD]).encrypt("token")
    for attempt in (Vault([NEW]).decrypt, Vault([NEW]).rotate):
        with pytest.raises(SlotsyncError, match="no key in SLOTSYNC_ENCRYPTION_KEYS fits"):
            attempt(sealed)


def test_a_damaged_secret_does_not_open() -> None:
    sealed = Vault([NEW]).encrypt("token")
    with pytest.raises(SlotsyncError):
        Vault([NEW]).decrypt(sealed[:-8] + "AAAAAAA=")


def test_no_keys_at_all_is_a_fault_of_the_settings() -> None:
    with pytest.raises(SettingsError, match="SLOTSYNC_ENCRYPTION_KEYS"):
        Vault([])
