"""Finding events by time misses none."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from localgoogle.events.calendar_events import CalendarEvents, touches
from localgoogle.state.records import StoredEvent

ZERO = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = st.integers(-20_000, 20_000)
LENGTH = st.one_of(st.integers(0, 100), st.integers(0, 30_000))


def event(number: int, hour: int, length: int, stamp: int) -> StoredEvent:
    start = ZERO + timedelta(hours=hour)
    return StoredEvent(
        f"event{number}", "c", {}, "confirmed", 0, stamp, stamp, "", start, start + timedelta(hours=length)
    )


@given(st.lists(st.tuples(st.integers(0, 9), HOUR, LENGTH), max_size=30), HOUR, LENGTH)
def test_a_window_finds_exactly_what_touches_it(written: list[tuple[int, int, int]], hour: int, length: int) -> None:
    book = CalendarEvents()
    for stamp, (number, begin, lasting) in enumerate(written):
        book.put(event(number, begin, lasting, stamp))
    start = ZERO + timedelta(hours=hour)
    end = start + timedelta(hours=length)
    expected = sorted((e for e in book if touches(e, start, end)), key=lambda e: (e.start, e.id))
    assert book.list_between(start, end) == expected


@given(st.lists(st.integers(0, 5), max_size=30), st.integers(0, 30))
def test_changes_since_a_stamp_are_listed_once_and_in_order(written: list[int], stamp: int) -> None:
    book = CalendarEvents()
    for number, name in enumerate(written):
        book.put(event(name, 0, 1, number))
    last = {name: number for number, name in enumerate(written)}
    expected = sorted(number for number in last.values() if number > stamp)
    assert [e.updated for e in book.list_changed_since(stamp)] == expected
