from datetime import UTC, datetime, timedelta

import pytest
from cryptography.fernet import Fernet

from slotsync.errors import SettingsError
from slotsync.secrets import Vault
from slotsync.store.database.engine import Store
from slotsync.store.instances import WORKER_MEMORY, Instances

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def test_a_database_has_one_id_for_all_who_can_read_it(store: Store) -> None:
    first = Instances(store, Vault([OLD])).get_id()
    assert Instances(store, Vault([NEW, OLD])).get_id() == first


def test_who_cannot_read_the_database_is_refused(store: Store) -> None:
    Instances(store, Vault([OLD])).get_id()
    with pytest.raises(SettingsError, match="none of the keys opens"):
        Instances(store, Vault([NEW])).get_id()
    with pytest.raises(SettingsError, match="none of the keys opens"):
        Instances(store, Vault([NEW])).record_worker("w-1", NOON)


def test_who_writes_what_the_workers_cannot_read_is_refused(store: Store) -> None:
    caller = Instances(store, Vault([NEW, OLD]))
    assert not caller.require_worker_key(NOON), "no worker has started yet"
    Instances(store, Vault([OLD])).record_worker("w-1", NOON)
    with pytest.raises(SettingsError, match="the workers lack the first key"):
        caller.require_worker_key(NOON)
    assert Instances(store, Vault([OLD, NEW])).require_worker_key(NOON)
    Instances(store, Vault([OLD, NEW])).record_worker("w-1", NOON)
    assert caller.require_worker_key(NOON)


def test_a_worker_counts_until_it_ends_or_was_not_seen_for_a_while(store: Store) -> None:
    caller, later = Instances(store, Vault([NEW, OLD])), NOON + WORKER_MEMORY
    Instances(store, Vault([OLD, NEW])).record_worker("w-1", NOON)
    Instances(store, Vault([OLD])).record_worker("rolled back", NOON)
    with pytest.raises(SettingsError, match="the workers lack the first key"):
        caller.require_worker_key(NOON)
    Instances(store, Vault([OLD])).forget_worker("rolled back")
    assert caller.require_worker_key(NOON)
    assert not caller.require_worker_key(later + timedelta(seconds=1)), "the other one was not seen for long"
