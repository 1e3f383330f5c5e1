from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from slotsync.domain.connections.connection import ConnectionState
from slotsync.domain.connections.disconnection import CalendarChoice
from slotsync.errors import GrantLost
from slotsync.secrets import Vault
from slotsync.store.connections.connections import Connections
from slotsync.store.connections.disconnections import Disconnections
from slotsync.store.database.engine import Store
from tests.support.sample_grants import save_sample_grant

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)


def test_a_grant_comes_back_as_it_was_saved(connections: Connections) -> None:
    grant = connections.grant(save_sample_grant(connections))
    assert (grant.refresh_token, grant.scopes) == ("refresh-1", frozenset({"openid", "calendar"}))
    assert (grant.access_token, grant.expires_at) == (None, None)


def test_the_newest_access_token_comes_back_with_its_expiry(connections: Connections) -> None:
    connection_id = save_sample_grant(connections)
    connections.save_access_token(connection_id, "access-1", NOON, 1)
    connections.save_access_token(connection_id, "access-2", LATER, 1)
    grant = connections.grant(connection_id)
    assert (grant.access_token, grant.expires_at) == ("access-2", LATER)


def test_no_token_and_no_address_rests_in_plain(store: Store, connections: Connections) -> None:
    connections.save_access_token(save_sample_grant(connections), "access-1", NOON, 1)
    with store.read() as session:
        rows = [*session.connection().execute(text("SELECT * FROM connection"))]
    assert len(rows) == 1
    assert not [secret for secret in ("refresh-1", "access-1", "merchant@example.com") if secret in str(rows)]


def test_a_grant_shows_no_token_when_it_is_printed(connections: Connections) -> None:
    grant = connections.grant(save_sample_grant(connections))
    assert grant.refresh_token == "refresh-1"
    assert "refresh-1" not in repr(grant)


def test_a_merchant_keeps_its_connection_over_all_grants(connections: Connections) -> None:
    first = save_sample_grant(connections)
    connections.save_access_token(first, "access-1", NOON, 1)
    assert save_sample_grant(connections, "refresh-2") == first
    grant = connections.grant(first)
    assert (grant.refresh_token, grant.access_token) == ("refresh-2", None)


def test_two_merchants_never_share_a_connection(connections: Connections) -> None:
    first, second = (
        save_sample_grant(connections, "refresh-1", "m"),
        save_sample_grant(connections, "refresh-2", "other"),
    )
    assert first != second
    assert connections.grant(first).refresh_token == "refresh-1"
    assert (connections.get_active_id("m"), connections.get_active_id("other")) == (first, second)


def test_a_merchant_who_never_connected_is_disconnected(connections: Connections) -> None:
    assert connections.get_state("m") is ConnectionState.DISCONNECTED
    assert connections.get_active_id("m") is None
    with pytest.raises(GrantLost) as raised:
        connections.grant("nobody")
    assert raised.value.reason == "disconnected"


def test_a_refused_grant_is_not_used_and_keeps_only_its_refresh_token(store: Store, connections: Connections) -> None:
    connection_id = save_sample_grant(connections)
    connections.mark_revoked(connection_id, "invalid_grant", connections.get_grant_number_by_id(connection_id))
    assert connections.get_state("m") is ConnectionState.REVOKED
    assert connections.get_active_id("m") is None
    with pytest.raises(GrantLost) as raised:
        connections.grant(connection_id)
    assert raised.value.reason == "invalid_grant"
    with store.read() as session:
        row = session.connection().execute(text("SELECT refresh_token, access_token, last_error FROM connection")).one()
    assert (bool(row.refresh_token), row.access_token, row.last_error) == (True, None, "invalid_grant")


def test_connecting_again_makes_a_revoked_connection_active(connections: Connections) -> None:
    connection_id = save_sample_grant(connections)
    connections.mark_revoked(connection_id, "invalid_grant", connections.get_grant_number_by_id(connection_id))
    assert save_sample_grant(connections, "refresh-2") == connection_id
    assert connections.get_state("m") is ConnectionState.ACTIVE
    assert connections.grant(connection_id).refresh_token == "refresh-2"


def test_a_call_with_a_former_grant_does_not_revoke_the_newest_whatever_the_clocks_say(
    connections: Connections,
) -> None:
    connection_id = save_sample_grant(connections)
    former = connections.get_grant_number_by_id(connection_id)
    assert connections.mark_revoked(connection_id, "invalid_grant", former) == "m"
    save_sample_grant(connections, "refresh-2")
    assert connections.mark_revoked(connection_id, "revoked", former) is None
    assert connections.get_state("m") is ConnectionState.ACTIVE
    assert connections.grant(connection_id).refresh_token == "refresh-2"


def test_what_a_call_of_the_former_grant_leaves_touches_no_newer_one(store: Store, connections: Connections) -> None:
    connection_id = save_sample_grant(connections)
    assert save_sample_grant(connections, "refresh-2") == connection_id
    connections.save_access_token(connection_id, "of the former account", LATER, 1)
    connections.mark_error(connection_id, "quotaExceeded", 1)
    connections.mark_good_call(connection_id, LATER, 1)
    assert connections.grant(connection_id).access_token is None
    with store.read() as session:
        noted = session.connection().execute(text("SELECT last_error, last_good_call_at FROM connection")).one()
    assert tuple(noted) == (None, None)
    connections.save_access_token(connection_id, "access-2", LATER, connections.grant(connection_id).number)
    assert connections.grant(connection_id).access_token == "access-2"


def test_a_token_of_a_disconnection_touches_no_newer_grant(
    store: Store, vault: Vault, connections: Connections
) -> None:
    disconnections = Disconnections(store, vault)
    connection_id = save_sample_grant(connections)
    save_sample_grant(connections, "refresh-2")
    assert disconnections.request("m", CalendarChoice.KEEP, NOON)
    disconnections.save_access_token(connection_id, "of the former account", LATER, 1)
    assert disconnections.grant(connection_id).access_token is None


def test_an_access_token_that_arrives_after_the_revocation_is_not_kept(store: Store, connections: Connections) -> None:
    connection_id = save_sample_grant(connections)
    connections.mark_revoked(connection_id, "invalid_grant", connections.get_grant_number_by_id(connection_id))
    connections.save_access_token(connection_id, "access-1", LATER, 1)
    with store.read() as session:
        assert session.connection().execute(text("SELECT access_token FROM connection")).scalar_one() is None


def test_the_last_good_call_is_noted(store: Store, connections: Connections) -> None:
    connections.mark_good_call(save_sample_grant(connections), LATER, 1)
    with store.read() as session:
        noted = session.connection().execute(
            text("SELECT count(*) FROM connection WHERE last_good_call_at IS NOT NULL")
        )
        assert noted.scalar() == 1


def test_a_vault_with_a_new_key_decrypts_what_the_old_key_encrypted(store: Store) -> None:
    old, new = "b2xk" * 10 + "b2w=", "bmV3" * 10 + "bmU="
    connection_id = save_sample_grant(Connections(store, Vault([old])))
    assert Connections(store, Vault([new, old])).grant(connection_id).refresh_token == "refresh-1"


def test_sixteen_threads_that_save_at_once_make_one_connection(connections: Connections) -> None:
    with ThreadPoolExecutor(16) as threads:
        assert len({*threads.map(lambda n: save_sample_grant(connections, f"refresh-{n}"), range(48))}) == 1
