from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from slotsync.store.connections.pending_consents import EXPIRED_LINK_RETENTION, UsedLinks
from slotsync.store.database.engine import Store

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
EXPIRES = NOON + timedelta(minutes=10)


def at(store: Store, now: datetime) -> UsedLinks:
    return UsedLinks(store, clock=lambda: now)


def count(store: Store) -> int:
    with store.read() as session:
        return int(session.connection().execute(text("SELECT count(*) FROM used_link")).scalar_one())


def test_a_link_is_used_once(store: Store) -> None:
    links = at(store, NOON)
    assert [links.use(each, EXPIRES) for each in ("a", "b", "a", "b")] == [True, True, False, False]


def test_of_eight_threads_that_follow_it_at_once_one_gets_in(store: Store) -> None:
    links = at(store, NOON)
    with ThreadPoolExecutor(8) as threads:
        for link in map(str, range(20)):
            assert sum(threads.map(lambda _, link=link: links.use(link, EXPIRES), range(8))) == 1


def test_a_clock_that_is_ahead_does_not_make_a_used_link_new(store: Store) -> None:
    assert at(store, NOON).use("a", EXPIRES)
    at(store, EXPIRES + timedelta(minutes=5)).use("b", EXPIRES)
    assert not at(store, NOON).use("a", EXPIRES)


def test_links_that_expired_long_ago_are_swept_away(store: Store) -> None:
    at(store, NOON).use("a", EXPIRES)
    at(store, EXPIRES + EXPIRED_LINK_RETENTION + timedelta(seconds=1)).use("b", EXPIRES + timedelta(days=1))
    assert count(store) == 1


def test_the_name_itself_is_not_kept(store: Store) -> None:
    at(store, NOON).use("a-random-name", EXPIRES)
    with store.read() as session:
        (row,) = session.connection().execute(text("SELECT * FROM used_link"))
    assert "a-random-name" not in str(row)
