import pytest
from cryptography.fernet import Fernet

from slotsync.errors import SettingsError
from slotsync.secrets import Vault
from slotsync.store.database.engine import Store
from slotsync.store.instances import Instances

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def test_a_database_has_one_id_for_all_who_can_read_it(store: Store) -> None:
    first = Instances(store, Vault([OLD])).get_id()
    assert Instances(store, Vault([NEW, OLD])).get_id() == first


def test_who_cannot_read_the_database_is_refused(store: Store) -> None:
    Instances(store, Vault([OLD])).get_id()
    with pytest.raises(SettingsError, match="none of the keys opens"):
        Instances(store, Vault([NEW])).get_id()
    with pytest.raises(SettingsError, match="none of the keys opens"):
        Instances(store, Vault([NEW])).record_worker_keys()


def test_who_writes_what_the_workers_cannot_read_is_refused(store: Store) -> None:
    caller = Instances(store, Vault([NEW, OLD]))
    assert not caller.require_worker_key(), "no worker has started yet"
    Instances(store, Vault([OLD])).record_worker_keys()
    with pytest.raises(SettingsError, match="the workers lack the first key"):
        caller.require_worker_key()
    assert Instances(store, Vault([OLD, NEW])).require_worker_key()
    Instances(store, Vault([OLD, NEW])).record_worker_keys()
    assert caller.require_worker_key()
