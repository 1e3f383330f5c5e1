"""Revocations under way, and visits that begin while others end: by one clock, in both databases."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event

from sqlalchemy import update

from slotsync.domain.merchant import MerchantDetails
from slotsync.secrets import Vault
from slotsync.store.connections.revocations import Revocations
from slotsync.store.database.base import table_of
from slotsync.store.database.engine import Store, read_clock
from slotsync.store.merchants import Merchants
from slotsync.store.tables.calendars import MerchantRow
from slotsync.store.visits import Visits


def test_a_revocation_counts_for_its_account_from_its_beginning_on(store: Store, vault: Vault) -> None:
    revocations, before = Revocations(store, vault), store.now()
    assert revocations.get_last_end("one", before) is None
    with revocations.under_way("one"):
        end = revocations.get_last_end("one", before)
        assert end
        assert end > store.now(), "it is under way"
        assert revocations.get_last_end("other", before) is None
    ended = revocations.get_last_end("one", before)
    assert ended
    assert before <= ended <= store.now()
    assert revocations.get_last_end("one", store.now()) is None, "a grant that is given now is another one"


def test_a_revocation_of_an_unknown_account_counts_for_all(store: Store, vault: Vault) -> None:
    before = store.now()
    with Revocations(store, vault).under_way(None):
        assert Revocations(store, vault).get_last_end("one", before)


def test_a_visit_waits_for_an_end_that_is_being_recorded_and_does_not_begin(store: Store, vault: Vault) -> None:
    Merchants(store, vault).put("m", MerchantDetails())
    allowed, waits = store.now(), Event()

    def begin() -> object:
        waits.set()
        return Visits(store).begin("m", allowed)

    with ThreadPoolExecutor(1) as threads:
        with store.write() as connection:
            ended = update(table_of(MerchantRow)).filter_by(id="m").values(visits_ended_at=read_clock(connection))
            connection.execute(ended)
            begun = threads.submit(begin)
            assert waits.wait(timeout=10)
        assert begun.result(timeout=30) is None
    assert Visits(store).begin("m", store.now() + timedelta(milliseconds=1)), "a link that was made later works"
