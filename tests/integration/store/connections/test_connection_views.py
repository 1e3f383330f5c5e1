"""The connections of all merchants, and which of them need somebody."""

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import text

from slotsync.domain.connections.connection import APP_CREATED, CALENDAR_LIST, FREEBUSY, ConnectionState, wanted_scopes
from slotsync.domain.connections.disconnection import CalendarChoice
from slotsync.domain.merchant import MerchantDetails
from slotsync.secrets import Vault
from slotsync.store.connections.connection_views import NO_KEY_FITS, ConnectionViews
from slotsync.store.connections.connections import Connections
from slotsync.store.connections.disconnections import Disconnections
from slotsync.store.connections.pending_consents import AwaitedStep, PendingConsents
from slotsync.store.database.engine import Store
from slotsync.store.merchants import Merchants

ALL = [APP_CREATED, CALENDAR_LIST, FREEBUSY]


def views_with(store: Store, vault: Vault, connections: Connections) -> ConnectionViews:
    """Return the views of four merchants: a whole one, a refused one, one that lacks a scope, and one without."""
    Merchants(store, vault).put("none", MerchantDetails(name="Nobody"))
    for merchant, scopes in (("whole", ALL), ("refused", ALL), ("lacking", ALL[:2])):
        connections.save_grant(merchant, "refresh", scopes, f"{merchant}@gmail.example")
    refused = connections.get_id("refused")
    assert refused
    connections.mark_revoked(refused, "admin_policy_enforced", 1)
    return ConnectionViews(store, vault, wanted_scopes(push=False))


def test_merchants_are_listed_page_by_page_with_their_connections(
    store: Store, vault: Vault, connections: Connections
) -> None:
    views = views_with(store, vault, connections)
    first = views.list_merchants(3)
    assert [(each.merchant, each.view.state) for each in first] == [
        ("lacking", ConnectionState.ACTIVE),
        ("none", ConnectionState.DISCONNECTED),
        ("refused", ConnectionState.REVOKED),
    ]
    assert first[1].name == "Nobody"
    assert [each.merchant for each in views.list_merchants(3, after="refused")] == ["whole"]


@pytest.mark.parametrize("merchant", ["none", "whole"])
def test_one_that_disconnected_is_not_told_as_pending_while_a_tab_is_still_at_google(
    store: Store, vault: Vault, connections: Connections, merchant: str
) -> None:
    views = views_with(store, vault, connections)
    Disconnections(store, vault).request(merchant, CalendarChoice.KEEP, store.now())
    PendingConsents(store, vault).put(AwaitedStep.ANSWER, "state", merchant=merchant, browser="b", secret="verifier")
    state = ConnectionState.PENDING if merchant == "none" else ConnectionState.DISCONNECTED
    listed = {each.merchant: each.view.state for each in views.list_merchants(9)}
    assert (views.get_view(merchant).state, listed[merchant]) == (state, state)


def test_those_that_need_somebody_are_found_with_the_remedy(
    store: Store, vault: Vault, connections: Connections
) -> None:
    views = views_with(store, vault, connections)
    lacking, refused = views.list_merchants(9, attention=True)
    assert (lacking.merchant, [each.scope for each in lacking.view.missing]) == ("lacking", [FREEBUSY])
    assert lacking.remedy.startswith("The merchant has to connect again")
    assert (refused.merchant, refused.view.last_error) == ("refused", "admin_policy_enforced")
    assert refused.remedy.startswith("The administrator")


@pytest.mark.parametrize("prefix", ["shop-", "sh%", "sh_p-", "ä-", "shop-1"])
def test_a_prefix_finds_the_ids_that_begin_with_it_letter_by_letter(store: Store, vault: Vault, prefix: str) -> None:
    ids = ["shop-1", "shop-10", "SHOP-2", "Shop-3", "my-shop-4", "sh%5", "sh_p-6", "shxp-7", "ä-8", "Ä-9", "a-10"]
    for merchant in ids:
        Merchants(store, vault).put(merchant, MerchantDetails())
    views = ConnectionViews(store, vault, wanted_scopes(push=False))
    assert {each.merchant for each in views.list_merchants(20, prefix=prefix)} == {
        each for each in ids if each.startswith(prefix)
    }


def test_an_account_that_no_key_opens_is_told_of_that_merchant_and_hides_no_other(
    store: Store, vault: Vault, connections: Connections
) -> None:
    views = views_with(store, vault, connections)
    damage(store, "whole")
    assert len(views.list_merchants(9)) == 4
    assert len(views.list_merchants(9, attention=True)) == 2
    unreadable, readable = views.get_view("whole"), views.get_view("lacking")
    assert (unreadable.state, unreadable.account, unreadable.last_error) == (ConnectionState.ACTIVE, None, NO_KEY_FITS)
    assert (readable.account, readable.last_error) == ("lacking@gmail.example", None)


def damage(store: Store, merchant: str) -> None:
    """Encrypt the address of the merchant's account with a key that nobody has any more."""
    encrypted = Vault([Fernet.generate_key().decode()]).encrypt("whole@gmail.example")
    with store.write() as connection:
        change = text("UPDATE connection SET account_email = :email WHERE merchant = :merchant")
        connection.execute(change, {"email": encrypted, "merchant": merchant})


def test_connections_are_counted_by_state(store: Store, vault: Vault, connections: Connections) -> None:
    views = views_with(store, vault, connections)
    assert views.count_states() == {"active": 1, "revoked": 1, "disconnected": 0, "lacking": 1}
