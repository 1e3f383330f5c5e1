"""The keys of SLOTSYNC_API_KEYS: who may do what, for which merchants."""

import statistics
import time
from pathlib import Path

import pytest
from pydantic import SecretStr

from slotsync.errors import SettingsError
from starter.api.keys import ALL_ROLES, ApiKey, ApiKeys, Role
from tests.support.settings import KEY, settings_for

SECRET = "s" * 32


def keys_of(*entries: str) -> ApiKeys:
    settings = settings_for("http://127.0.0.1:1", Path(".slotsync"))
    return ApiKeys.from_settings(settings.model_copy(update={"api_keys": tuple(map(SecretStr, entries))}))


@pytest.mark.parametrize(
    ("entry", "key"),
    [
        (SECRET, ApiKey("key-1", ALL_ROLES)),
        (f"backend:all:{SECRET}", ApiKey("backend", ALL_ROLES)),
        (f"backend:report:{SECRET}", ApiKey("backend", frozenset({Role.REPORT}))),
        (f"desk:read+connect:{SECRET}", ApiKey("desk", frozenset({Role.READ, Role.CONNECT}))),
        (f"shop:report@shop-1-:{SECRET}", ApiKey("shop", frozenset({Role.REPORT}), "shop-1-")),
    ],
)
def test_an_entry_is_a_secret_alone_or_a_name_with_roles(entry: str, key: ApiKey) -> None:
    assert keys_of(entry).find(SECRET.encode()) == key


def test_several_keys_of_one_name_open_while_one_replaces_the_other() -> None:
    keys = keys_of(f"backend:report:{SECRET}", f"backend:report:{SECRET}-new")
    for secret in (SECRET, f"{SECRET}-new"):
        found = keys.find(secret.encode())
        assert found is not None
        assert found.name == "backend"
    assert keys.find(b"backend") is None


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("short", "key 2 has a secret of less than 32 characters; make one"),
        ("backend:all:short", "key 2 has a secret of less than 32 characters"),
        (f"backend:{SECRET}", "key 2 is neither a secret alone nor name:roles:secret"),
        (f"a:b:c:{SECRET}", "key 2 is neither"),
        (f"back end:all:{SECRET}", "key 2 is neither"),
        (f"backend:admin:{SECRET}", "key 2 has a role that is none of report, read, manage, connect"),
        (f"backend::{SECRET}", "key 2 has a role"),
        (f"support:read@:{SECRET}", "key 2 limits it to merchants that cannot be: give the beginning of their ids"),
        (f"support:read@shop/:{SECRET}", "key 2 limits it to merchants that cannot be"),
        (f"support:read@a b:{SECRET}", "key 2 limits it to merchants that cannot be"),
        (f"support:read@shop-@x y:{SECRET}", "key 2 limits it to merchants that cannot be"),
        (f"-:read:{SECRET}", "key 2 is neither"),
        (f"..:read:{SECRET}", "key 2 is neither"),
        ("ä" * 32, "key 2 has a secret with spaces or characters that are not ASCII; make one"),
        (f"support:read:{SECRET} {SECRET}", "key 2 has a secret with spaces"),
        (f"support:read:{SECRET}", "key 2 has the secret of key 1: make one for each"),
        (f"key-1:read:{SECRET}-2", "key 2 has the name key-1 like another one with other roles"),
    ],
)
def test_an_entry_that_cannot_be_read_is_named_by_its_place_without_its_secret(entry: str, problem: str) -> None:
    with pytest.raises(SettingsError, match=problem) as refused:
        keys_of(SECRET, entry)
    assert SECRET not in str(refused.value)


def test_keys_of_one_name_with_other_roles_or_merchants_are_refused() -> None:
    for other in ("shop:report@shop-2-", "shop:read@shop-1-", "shop:report"):
        with pytest.raises(SettingsError, match="key 2 has the name shop like another one"):
            keys_of(f"shop:report@shop-1-:{SECRET}", f"{other}:{SECRET}-new")


def test_a_merchant_is_opened_by_the_beginning_of_its_id() -> None:
    key = ApiKey("shop", merchants="shop-1-")
    assert key.opens("shop-1-north")
    assert not key.opens("shop-10")


def test_the_keys_themselves_are_not_kept() -> None:
    keys = keys_of(KEY)
    assert keys.find(KEY.encode())
    assert KEY not in repr(vars(keys))


def test_a_key_that_is_nearly_right_takes_no_longer_than_one_that_is_not() -> None:
    keys = keys_of("k" * 4000)
    near, far = b"k" * 3999 + b"x", b"x" * 4000

    def seconds(key: bytes) -> float:
        started = time.perf_counter()
        for _ in range(50):
            assert keys.find(key) is None
        return time.perf_counter() - started

    pairs = [(seconds(near), seconds(far)) for _ in range(40)]
    ratio = statistics.median(near / far for near, far in pairs)
    assert 0.8 < ratio < 1.25
