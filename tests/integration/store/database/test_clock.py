"""What is wanted is due by the database's clock, whatever the clock of the process that stores it."""

from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import make_url, text
from starlette.requests import Request
from starlette.responses import Response
from temporalio.service import RPCError

from slotsync.clock import utc_now
from slotsync.domain.availability.blocking import PickableCalendar
from slotsync.domain.calendars.owner import OwnerChanges, Switch
from slotsync.domain.connections.disconnection import CalendarChoice
from slotsync.errors import NotTaken
from slotsync.store.availability.blocking_calendars import BlockingCalendars
from slotsync.store.availability.watched_products import WatchedProducts
from slotsync.store.calendars.merchant_switches import MerchantSwitches
from slotsync.store.calendars.owners import Owners
from slotsync.store.connections.connection_intents import ConnectionIntents
from slotsync.store.connections.connections import Connections
from slotsync.store.database.engine import Store
from slotsync.store.merchants import Merchants
from slotsync.store.reservations.reservations import Reservations
from slotsync.temporal.options import connect as temporal
from starter.services.connections import ConnectionService
from starter.services.reports import ReportService
from starter.services.resumption import ResumptionService
from starter.services.settings_links import LinkProblem, LinkTarget, Session, Sessions, SettingsLinks
from tests.support.samples import EMAIL, MERCHANT, TOUR, settings_of, snapshot
from tests.support.settings import settings_for
from tests.support.stored_reservations import ANY_KEY

pytestmark = pytest.mark.anyio

BEHIND = """
    CREATE SCHEMA behind;
    CREATE FUNCTION behind.clock_timestamp() RETURNS timestamptz LANGUAGE sql
    AS 'SELECT pg_catalog.clock_timestamp() - interval ''3 hours''';
"""


@pytest.fixture(scope="session")
def url_of_a_clock_behind(migrated_postgres: str) -> str:
    """The URL of a database with a clock that is three hours behind that of this process."""
    with closing(Store.open(migrated_postgres)) as store, store.write() as connection:
        connection.execute(text(BEHIND))
    url = make_url(migrated_postgres)
    options = f"{url.query['options']},behind,pg_catalog"
    return url.update_query_dict({"options": options}).render_as_string(hide_password=False)


@pytest.fixture
def behind(url_of_a_clock_behind: str, store: Store) -> Iterator[Store]:
    with closing(Store.open(url_of_a_clock_behind)) as opened:
        Owners(opened).put(MERCHANT, TOUR, settings_of(TOUR))
        Connections(opened, ANY_KEY).save_grant(MERCHANT, "refresh", ["scope"], EMAIL)
        Reservations(opened, ANY_KEY).report(snapshot(1), opened.now())
        for table in ("owner", "connection", "reservation"):
            _take_up(opened, table)
        yield opened


def _take_up(store: Store, table: str) -> None:
    with store.write() as connection:
        connection.execute(text(f"UPDATE {table} SET due_at = NULL"))


Want = Callable[[Store], object]


def put(store: Store) -> None:
    Owners(store).put(MERCHANT, TOUR, OwnerChanges(name="Midnight tour"))


def switch(store: Store) -> None:
    Owners(store).switch(MERCHANT, TOUR, Switch(sync=False))


def switch_merchant(store: Store) -> None:
    Owners(store).switch_merchant(MERCHANT, Switch(sync=False))


def delete(store: Store) -> None:
    Owners(store).delete(MERCHANT, TOUR, remove_events=False)


def pick(store: Store) -> None:
    BlockingCalendars(store, ANY_KEY).replace(MERCHANT, TOUR, [PickableCalendar(id=EMAIL, name="Own")])


def connect(store: Store) -> None:
    Connections(store, ANY_KEY).save_grant(MERCHANT, "another", ["scope"], EMAIL)


def revoke(store: Store) -> None:
    connections = Connections(store, ANY_KEY)
    assert connections.mark_revoked(connections.get_id(MERCHANT) or "", "invalid_grant", 1)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    ("want", "rows"),
    [(put, 1), (switch, 1), (switch_merchant, 1), (delete, 2), (pick, 1), (connect, 1), (revoke, 1)],
)
async def test_what_is_stored_by_a_process_ahead_of_the_database_is_due_at_once(
    want: Want, rows: int, behind: Store
) -> None:
    assert utc_now() - behind.now() > timedelta(hours=2)
    want(behind)
    due = (
        Owners(behind).due_rows,
        WatchedProducts(behind).due_rows,
        ConnectionIntents(behind).due_rows,
        MerchantSwitches(behind).due_rows,
    )
    assert sum(len(each.find(behind.now())) for each in due) == rows


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_what_is_asked_for_while_temporal_is_down_is_due_at_once_by_the_databases_clock(
    behind: Store, tmp_path: Path
) -> None:
    settings = settings_for("http://127.0.0.1:1", tmp_path)
    nowhere = await temporal(address="127.0.0.1:1", lazy=True)
    with suppress(NotTaken, RPCError):
        await ReportService(nowhere, behind, ANY_KEY).report(snapshot(2))
    assert len(Reservations(behind, ANY_KEY).due_rows.find(behind.now())) == 1
    _take_up(behind, "reservation")
    Reservations(behind, ANY_KEY).stop(MERCHANT, "R-1", behind.now())
    with suppress(NotTaken, RPCError):
        await ResumptionService(nowhere, behind, ANY_KEY).resume(MERCHANT, "R-1")
    assert len(Reservations(behind, ANY_KEY).due_rows.find(behind.now())) == 1
    with suppress(NotTaken, RPCError):
        await ConnectionService(settings, behind, ANY_KEY, nowhere).disconnect(MERCHANT, CalendarChoice.KEEP)
    assert ConnectionIntents(behind).find_due(behind.now()) == [MERCHANT]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_visits_and_links_of_a_process_ahead_of_the_database_end_when_another_one_ends_them(
    behind: Store, tmp_path: Path
) -> None:
    settings = settings_for("http://127.0.0.1:1", tmp_path).model_copy(update={"public_url": "https://s.example"})
    links, sessions = SettingsLinks(settings, behind), Sessions(settings, behind)
    answer = Response()
    sessions.begin(answer, Session.begin(MERCHANT, behind.now()))
    cookie = answer.headers["set-cookie"].partition(";")[0]
    request = Request({"type": "http", "headers": [(b"cookie", cookie.encode())]})
    link = links.create(MERCHANT, LinkTarget.SETTINGS).url.partition("link=")[2]
    assert sessions.find(request)
    assert not isinstance(links.look(link, LinkTarget.SETTINGS), LinkProblem)
    assert Merchants(behind, ANY_KEY).end_visits(MERCHANT)
    assert sessions.find(request) is None
    assert links.look(link, LinkTarget.SETTINGS) is LinkProblem.ENDED
    assert links.redeem(link, LinkTarget.SETTINGS) is LinkProblem.ENDED
