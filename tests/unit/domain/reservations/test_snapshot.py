from datetime import UTC, date, datetime

import pytest
from pydantic import ValidationError

from slotsync.domain.calendars.owner import Owner
from slotsync.domain.reservations.snapshot import Item, Reservation


def snapshot(**changes: object) -> dict[str, object]:
    item = {"product": "tour", "start": "2026-07-01T18:00:00+03:00", "end": "2026-07-01T20:00:00+03:00"}
    return {"merchant": "m", "id": "R-1", "version": 1, "items": [item], **changes}


def with_item(**changes: object) -> dict[str, object]:
    item = {"product": "tour", "start": "2026-07-01", "end": "2026-07-03", **changes}
    return snapshot(items=[item])


def test_times_are_kept_in_utc() -> None:
    item = Reservation.model_validate(snapshot()).items[0]
    assert isinstance(item.start, datetime)
    assert (item.start, item.start.tzinfo) == (datetime(2026, 7, 1, 15, tzinfo=UTC), UTC)


def test_nights_are_dates() -> None:
    item = Reservation.model_validate(with_item()).items[0]
    assert (item.start, item.end) == (date(2026, 7, 1), date(2026, 7, 3))


def test_midnight_with_an_offset_is_an_instant_not_a_night() -> None:
    item = Item.model_validate({"product": "p", "start": "2026-07-01T00:00:00Z", "end": "2026-07-02T00:00:00Z"})
    assert isinstance(item.start, datetime)


def test_a_snapshot_survives_json() -> None:
    reservation = Reservation.model_validate(with_item(resources=["a", "b"]))
    assert Reservation.model_validate_json(reservation.model_dump_json()) == reservation


@pytest.mark.parametrize(
    ("bad", "field", "said"),
    [
        (snapshot(version=-1), "version", "greater than or equal to 0"),
        (snapshot(version="x"), "version", "valid integer"),
        (snapshot(status="maybe"), "status", "'confirmed', 'tentative' or 'cancelled'"),
        (snapshot(items=[]), "", "items is empty"),
        (snapshot(colour="red"), "colour", "Extra inputs are not permitted"),
        (snapshot(merchant="a:b"), "merchant", "pattern"),
        (snapshot(id=""), "id", "pattern"),
        (with_item(start="2026-07-01T18:00:00"), "items.0.start", "has no time zone"),
        (with_item(start=datetime(2026, 7, 1)), "items.0.start", "has no time zone"),  # noqa: DTZ001  that is the point
        (with_item(end="2026-07-03T10:00:00Z"), "items.0", "both be date-times or both be dates"),
        (with_item(end="2026-06-30"), "items.0", "end is before start"),
        (with_item(start="2026-07-01T10:00:00Z", end="2026-07-01T12:00:00+02:00"), "items.0", "in the same second"),
        (with_item(start="2026-07-01T10:00:00.2Z", end="2026-07-01T10:00:00.9Z"), "items.0", "in the same second"),
        (with_item(start="soon"), "items.0.start", "is neither a date-time"),
        (with_item(end="9999-12-31"), "items.0.end", "is not between the years 1970 and 2200"),
        (with_item(start="0001-01-01T00:00+03:00"), "items.0.start", "is not between the years"),
        (with_item(start="1970-01-01T00:00:00+02:00", end="1970-01-02T00:00:00Z"), "items.0.start", "in UTC"),
        (with_item(start="2200-12-31T08:00:00Z", end="2200-12-31T23:00:00-05:00"), "items.0.end", "in UTC"),
        (snapshot(url="https://example.org/" + "ж" * 700), "url", "is longer than 2083 characters"),
        (snapshot(url="ftp://example.org"), "url", "'http' or 'https'"),
        (with_item(resources=["a", "a"]), "items.0", "names one resource twice"),
    ],
)
def test_bad_input_is_refused_with_field_and_reason(bad: dict[str, object], field: str, said: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        Reservation.model_validate(bad)
    places = [".".join(map(str, error["loc"])) for error in refusal.value.errors()]
    assert field in places
    assert said in str(refusal.value)


def test_items_have_their_position_as_id_unless_they_bring_one() -> None:
    nights = {"start": "2026-07-01", "end": "2026-07-03"}
    items = [{"product": "a", **nights}, {"product": "b", "id": "x", **nights}]
    assert list(Reservation.model_validate(snapshot(items=items)).numbered_items) == ["1", "x"]


def test_two_items_of_one_id_are_refused() -> None:
    nights = {"start": "2026-07-01", "end": "2026-07-03"}
    items = [{"product": "a", **nights}, {"product": "b", "id": "1", **nights}]
    with pytest.raises(ValidationError, match="same id"):
        Reservation.model_validate(snapshot(items=items))


def test_each_owner_is_named_once() -> None:
    item = {"product": "a", "resources": ["g"], "start": "2026-07-01", "end": "2026-07-03"}
    reservation = Reservation.model_validate(snapshot(items=[item, item]))
    assert reservation.owners == (Owner.product("a"), Owner.resource("g"))


def test_a_cancelled_reservation_needs_no_items() -> None:
    assert Reservation.model_validate(snapshot(items=[], status="cancelled")).cancelled
