from dataclasses import replace

import pytest
from cryptography.fernet import Fernet

from slotsync.errors import SettingsError, Undecryptable
from slotsync.secrets import Vault, read_key_id

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()
HERE, THERE = "reservation R-1", "reservation R-2"


def test_a_value_is_unreadable_until_its_data_key_decrypts_it() -> None:
    vault = Vault([NEW])
    wrapped = vault.make_key("m")
    encrypted = vault.open(wrapped).encrypt("refresh-tökén", HERE)
    assert "refresh" not in encrypted
    assert Vault([NEW]).open(wrapped).decrypt(encrypted, HERE) == "refresh-tökén"


def test_each_value_names_its_data_key_and_is_encrypted_anew() -> None:
    vault = Vault([NEW])
    key = vault.open(vault.make_key("m"))
    first, second = key.encrypt("token", HERE), key.encrypt("token", HERE)
    assert first != second
    assert read_key_id(first) == read_key_id(second) == key.id


def test_a_value_opens_in_its_own_place_only() -> None:
    vault = Vault([NEW])
    key = vault.open(vault.make_key("m"))
    with pytest.raises(Undecryptable, match="moved to another place"):
        key.decrypt(key.encrypt("token", HERE), THERE)


def test_a_value_of_another_merchants_key_does_not_open() -> None:
    vault = Vault([NEW])
    mine, others = vault.open(vault.make_key("mine")), vault.open(vault.make_key("other"))
    with pytest.raises(Undecryptable):
        mine.decrypt(others.encrypt("token", HERE), HERE)


@pytest.mark.parametrize("damage", ["", "v1.", "%", "AAAA"])
def test_a_damaged_value_does_not_open(damage: str) -> None:
    vault = Vault([NEW])
    key = vault.open(vault.make_key("m"))
    with pytest.raises(Undecryptable):
        key.decrypt(damage, HERE)


def test_a_wrapped_key_belongs_to_its_merchant() -> None:
    vault = Vault([NEW])
    with pytest.raises(Undecryptable):
        vault.open(replace(vault.make_key("m"), merchant="other"))


def test_after_wrapping_it_again_the_old_key_is_no_longer_needed() -> None:
    wrapped = Vault([OLD]).make_key("m")
    encrypted = Vault([OLD]).open(wrapped).encrypt("token", HERE)
    again = Vault([NEW, OLD]).rewrap(wrapped)
    assert (again.id, again.merchant) == (wrapped.id, "m")
    assert Vault([NEW]).open(again).decrypt(encrypted, HERE) == "token"


def test_a_new_key_is_wrapped_with_the_wanted_key_of_the_ring_and_with_no_other() -> None:
    both, old = Vault([NEW, OLD]), Vault([OLD])
    assert both.make_key("m").ring_key == both.fingerprints[0]
    assert both.make_key("m", old.fingerprints[0]).ring_key == old.fingerprints[0]
    with pytest.raises(Undecryptable, match="give all processes the same keys"):
        old.make_key("m", both.fingerprints[0])


def test_without_a_key_that_fits_the_error_names_the_remedy() -> None:
    former, wrapped = Vault([OLD]).encrypt("token"), Vault([OLD]).make_key("m")
    alone = Vault([NEW])
    for attempt in (lambda: alone.decrypt(former), lambda: alone.open(wrapped), lambda: alone.rewrap(wrapped)):
        with pytest.raises(Undecryptable, match="no key in SLOTSYNC_ENCRYPTION_KEYS fits"):
            attempt()
    assert not alone.can_open(wrapped)


def test_former_values_open_with_any_key_of_the_ring() -> None:
    both, old = Vault([NEW, OLD]), Vault([OLD])
    former = old.encrypt("token")
    assert both.decrypt(former) == "token"
    assert both.find_ring_key(former) == old.fingerprints[0]
    assert both.find_ring_key(both.encrypt("token")) == both.fingerprints[0]


def test_a_hash_needs_the_key_and_the_purpose() -> None:
    vault = Vault([NEW])
    key, other = vault.open(vault.make_key("")), vault.open(vault.make_key(""))
    assert key.hash("account", "a") == key.hash("account", "a")
    assert len({key.hash("account", "a"), key.hash("account", "b"), other.hash("account", "a")}) == 3


def test_no_keys_at_all_is_a_fault_of_the_settings() -> None:
    with pytest.raises(SettingsError, match="SLOTSYNC_ENCRYPTION_KEYS"):
        Vault([])
