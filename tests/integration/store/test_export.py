"""Everything that is stored of a merchant can be exported, without what gives access to something."""

import json
from datetime import UTC, datetime

from cryptography.fernet import Fernet

from slotsync.domain.calendars.owner import OwnerDefaults
from slotsync.domain.merchant import MerchantDetails
from slotsync.secrets import Vault
from slotsync.store.database.cells import encrypted_columns
from slotsync.store.database.engine import Store
from slotsync.store.erasures import KEPT, find_tables_without_merchant
from slotsync.store.export import EXPORTED, LEFT_OUT, Export, write_line
from slotsync.store.merchants import Merchants
from slotsync.store.reservations.reservations import Reservations
from slotsync.store.tables import METADATA
from tests.integration.store.test_key_rotation import fill
from tests.support.samples import snapshot

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECRETS = {"connection.refresh_token", "connection.access_token", "pending_consent.secret", "push_channel.token"}


def lines(store: Store, vault: Vault, merchant: str = "0") -> list[dict[str, object]]:
    return [json.loads(write_line(line)) for line in Export(store, vault).iterate(merchant)]


def test_every_table_with_something_of_a_merchant_is_exported() -> None:
    kept = KEPT - {"audit_entry"}
    assert {*EXPORTED} == METADATA.tables.keys() - (find_tables_without_merchant() - {"audit_entry"}) - kept - {
        "data_key"
    }


def test_no_secret_column_is_exported_and_every_other_encrypted_one_is() -> None:
    encrypted = {
        f"{column.table.name}.{column.name}" for column in encrypted_columns(METADATA) if column.table.name in EXPORTED
    }
    assert encrypted & LEFT_OUT == SECRETS


def test_what_is_encrypted_is_exported_as_it_was_stored_and_tokens_are_not(store: Store, vault: Vault) -> None:
    fill(store, vault, merchants=2)
    Merchants(store, vault).put("0", MerchantDetails(defaults=OwnerDefaults(sync=False)))
    told = snapshot(1, merchant="0", name="R-9", guest={"name": "Mervi Mökkiläinen"}, notes="Allergic")
    Reservations(store, vault).report(told, NOW)
    found = lines(store, vault)
    (reservation,) = (each for each in found if each["table"] == "reservation" and each["id"] == "R-9")
    assert reservation["snapshot"] == json.loads(told.model_dump_json(exclude={"merchant", "id"}))
    by_table = {str(each["table"]): each for each in found}
    assert by_table["merchant"]["defaults"] == {"sync": False}
    assert by_table["blocking_calendar"]["name"] == "Family"
    assert by_table["connection"]["account_email"] == "0@x"
    assert by_table["busy_reading"]["busy"] == []
    text = json.dumps(found)
    for secret in ("refresh-0", "refresh-1", '"access"', "verifier", "1@x"):
        assert secret not in text
    assert list(dict.fromkeys(each["table"] for each in found)) == [each for each in EXPORTED if each in by_table]


def test_rows_of_many_pages_are_exported_once_each(store: Store, vault: Vault) -> None:
    for number in range(1001):
        Reservations(store, vault).report(snapshot(1, merchant="0", name=f"R-{number}"), NOW)
    found = [str(each["id"]) for each in lines(store, vault) if each["table"] == "reservation"]
    assert (len(found), len({*found})) == (1001, 1001)


def test_what_no_key_opens_is_named(store: Store, vault: Vault) -> None:
    fill(store, vault, merchants=1)
    lost = lines(store, Vault([Fernet.generate_key().decode()]))
    (reservation,) = (each for each in lost if each["table"] == "reservation")
    assert (reservation["snapshot"], reservation["unreadable"]) == (None, ["snapshot"])
