from datetime import UTC, datetime, timedelta

import pytest

from slotsync.domain.calendars.owner import Owner
from slotsync.domain.reservations.schedule import debounce, ends_at, priority, starts_at
from slotsync.domain.reservations.snapshot import Reservation

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


def ago(*seconds: float) -> list[datetime]:
    return [NOW - timedelta(seconds=each) for each in seconds]


@pytest.mark.parametrize(
    ("writes", "seconds"),
    [
        ([], 0),
        (ago(0), 2),
        (ago(1.5), 0.5),
        (ago(2), 0),
        (ago(2, 0), 4),
        (ago(6, 4, 0), 8),
        (ago(20, 15, 10, 5, 0), 10),
        (ago(31), 0),
        (ago(120, 90, 60, 1), 1),
    ],
)
def test_quick_writes_are_spaced_ever_further(writes: list[datetime], seconds: float) -> None:
    assert debounce(writes, NOW) == timedelta(seconds=seconds)


def test_no_write_waits_for_longer_than_was_set() -> None:
    assert debounce(ago(2, 0), NOW, timedelta(seconds=1)) == timedelta(seconds=1)
    assert debounce(ago(2, 0.25), NOW, timedelta(seconds=1)) == timedelta(seconds=0.75)


def test_writes_of_before_the_clock_was_set_back_hold_nothing_up() -> None:
    assert debounce(ago(-3600, -10, -1), NOW) == timedelta()
    assert debounce([*ago(1), *ago(-3600)], NOW) == timedelta(seconds=1)


def test_a_hundred_changes_in_ten_seconds_need_three_writes() -> None:
    writes: list[datetime] = []
    free_at = NOW
    for tenth in range(100):
        now = NOW + timedelta(seconds=tenth / 10)
        if now >= free_at and debounce(writes, now) == timedelta():
            writes.append(now)
            free_at = now
    assert len(writes) == 3


def nights(*dates: tuple[str, str]) -> Reservation:
    items = [{"product": "room", "start": start, "end": end} for start, end in dates]
    return Reservation.model_validate({"merchant": "m", "id": "R", "version": 1, "items": items})


def test_nights_begin_and_end_at_midnight_where_the_product_is() -> None:
    zones = {Owner.product("room"): "Pacific/Kiritimati"}
    stay = nights(("2026-07-01", "2026-07-03"))
    assert starts_at(stay, zones) == datetime(2026, 6, 30, 10, tzinfo=UTC)
    assert ends_at(stay, zones) == datetime(2026, 7, 2, 10, tzinfo=UTC)


def test_a_reservation_ends_with_its_last_item_and_starts_with_its_first() -> None:
    stay = nights(("2026-07-05", "2026-07-06"), ("2026-07-01", "2026-07-02"))
    assert starts_at(stay) == datetime(2026, 7, 1, tzinfo=UTC)
    assert ends_at(stay) == datetime(2026, 7, 6, tzinfo=UTC)


def test_a_reservation_without_items_has_no_times() -> None:
    cancelled = Reservation.model_validate({"merchant": "m", "id": "R", "version": 1, "status": "cancelled"})
    assert starts_at(cancelled) is None
    assert ends_at(cancelled) is None


@pytest.mark.parametrize(("days", "key"), [(-1, 1), (0, 1), (1.9, 1), (2, 3), (300, 3)])
def test_what_starts_soon_goes_first(days: float, key: int) -> None:
    assert priority(NOW + timedelta(days=days), NOW) == key
