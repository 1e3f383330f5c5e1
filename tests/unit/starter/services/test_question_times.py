"""The times of a question: date-times with an offset, or dates for nights in the product's zone."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from slotsync.domain.availability.intervals import Interval
from slotsync.errors import InputError
from starter.services.availability import check_interval, check_not_past

HELSINKI = ZoneInfo("Europe/Helsinki")
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        (date(2026, 10, 1), date(2026, 11, 1), 31 * 24 + 1),
        (date(2027, 3, 27), date(2027, 3, 29), 47),
        (date(2027, 7, 1), date(2027, 7, 1), 24),
    ],
)
def test_dates_are_nights_from_midnight_to_midnight_in_the_products_zone(start: date, end: date, hours: int) -> None:
    found = check_interval(start, end, HELSINKI, timedelta(days=31))
    assert (found.start.astimezone(HELSINKI).date(), found.start.astimezone(HELSINKI).hour) == (start, 0)
    assert found.end - found.start == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        (date(2027, 7, 1), NOON, "not of one kind"),
        (NOON, date(2027, 7, 1), "not of one kind"),
        (date(2027, 7, 2), date(2027, 7, 1), "end is before the start"),
        (date(2027, 7, 1), date(2027, 8, 2), "more than 31 days"),
        (date(1970, 1, 1), date(1970, 1, 2), "The start is not between"),
        (date(2199, 12, 30), date(9999, 12, 31), "The end is not between"),
    ],
)
def test_dates_that_cannot_be_asked_for_are_named(start: datetime | date, end: datetime | date, message: str) -> None:
    with pytest.raises(InputError, match=message):
        check_interval(start, end, HELSINKI, timedelta(days=31))


@pytest.mark.parametrize(("hour", "past"), [(21, True), (22, False), (23, False)])
def test_the_day_begins_at_midnight_in_the_products_zone(hour: int, *, past: bool) -> None:
    start = datetime(2026, 11, 21, hour, tzinfo=UTC)
    interval = Interval(start=start, end=NOON)
    if past:
        with pytest.raises(InputError, match="start is in the past"):
            check_not_past(interval, NOON, HELSINKI)
    else:
        check_not_past(interval, NOON, HELSINKI)
