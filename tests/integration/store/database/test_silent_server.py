"""A PostgreSQL that is there and says nothing: a fail-over that closes nothing, or a machine that hangs."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from time import monotonic

import psycopg
import pytest
from sqlalchemy import make_url
from sqlalchemy.exc import OperationalError

from slotsync.domain.calendars.owner import Owner, OwnerSettings
from slotsync.store.calendars.owners import Owners
from slotsync.store.database.engine import Store
from tests.support.silent_proxy import SilentProxy, silent_proxy

TOUR = Owner.product("tour")
ANSWER_WITHIN = timedelta(seconds=2)
AT_ONCE = 30  # seconds; without a bound it would be for ever


@pytest.fixture
def proxy(shared_postgres: str) -> Iterator[SilentProxy]:
    folder = str(make_url(shared_postgres).query["host"])
    with silent_proxy(Path(folder) / ".s.PGSQL.5432") as running:
        yield running


@pytest.fixture
def store(proxy: SilentProxy, shared_postgres: str) -> Iterator[Store]:
    url = make_url(shared_postgres).difference_update_query(["host"]).set(host="127.0.0.1", port=proxy.port)
    with closing(Store.open(url.render_as_string(hide_password=False), ANSWER_WITHIN)) as opened:
        yield opened


def test_reads_and_writes_end_with_an_error_and_work_again_afterwards(store: Store, proxy: SilentProxy) -> None:
    owners = Owners(store)
    owners.put("m", TOUR, OwnerSettings(name="Tour"))
    proxy.fall_silent()
    for _ in range(2):
        begun = monotonic()
        with pytest.raises(OperationalError):
            owners.put("m", TOUR, OwnerSettings(name="Lost"))
        with pytest.raises(OperationalError):
            owners.get_all("m")
        assert monotonic() - begun < AT_ONCE
    proxy.speak()
    owners.put("m", TOUR, OwnerSettings(name="Found"))
    assert owners.get_all("m")[TOUR].name == "Found"


def test_a_lock_of_a_process_that_hangs_is_waited_for_in_bounds_only(store: Store, shared_postgres: str) -> None:
    owners = Owners(store)
    owners.put("m", TOUR, OwnerSettings(name="Tour"))
    with psycopg.connect(shared_postgres) as other:
        other.execute("UPDATE owner SET name = 'held'")
        with pytest.raises(OperationalError):
            owners.put("m", TOUR, OwnerSettings(name="Mine"))


def test_a_session_that_hangs_in_a_transaction_is_ended_by_the_server(store: Store) -> None:
    with store.read() as session:
        limits = {
            name: session.connection().exec_driver_sql(f"SHOW {name}").scalar()
            for name in ("idle_in_transaction_session_timeout", "lock_timeout", "statement_timeout")
        }
    assert limits == {"idle_in_transaction_session_timeout": "30s", "lock_timeout": "2s", "statement_timeout": "2s"}
