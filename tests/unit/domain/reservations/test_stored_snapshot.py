import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from slotsync.domain.reservations.snapshot import MAX_VERSION, Reservation, ReservationStatus
from slotsync.domain.reservations.stored_snapshot import (
    dump_snapshot,
    load_snapshot,
    plain_content_hash,
    reduce_snapshot,
)

TIMES = st.datetimes(datetime(1969, 12, 30), datetime(2201, 1, 2), timezones=st.timezones())  # noqa: DTZ001  zones are drawn
TEXTS = st.text(max_size=40)


@st.composite
def reported(draw: st.DrawFn) -> dict[str, object]:
    """Return a report with values at and beyond the limits."""
    start = draw(TIMES)
    end = start + draw(st.timedeltas(timedelta(), timedelta(days=400)))
    nights = draw(st.booleans())
    item = {
        "product": draw(st.text(min_size=1, max_size=8)),
        "resources": draw(st.lists(st.text(min_size=1, max_size=8), max_size=3)),
        "start": start.date().isoformat() if nights else start.isoformat(),
        "end": end.date().isoformat() if nights else end.isoformat(),
    }
    return {
        "merchant": "m",
        "id": "R-1",
        "version": draw(st.integers(0, MAX_VERSION)),
        "title": draw(TEXTS),
        "notes": draw(TEXTS),
        "guest": {"name": draw(TEXTS)},
        "url": draw(st.none() | st.just("https://example.org/") | st.just("https://example.org/" + "ж" * 700)),
        "items": [item],
    }


@given(reported())
def test_what_the_door_accepts_is_stored_and_read_as_it_is(report: dict[str, object]) -> None:
    try:
        reservation = Reservation.model_validate(report)
    except ValidationError:
        return
    text = dump_snapshot(reservation)
    assert load_snapshot("m", "R-1", text) == reservation
    assert Reservation.model_validate({"merchant": "m", "id": "R-1", **json.loads(text)}) == reservation


def snapshot(**changes: object) -> Reservation:
    item = {"product": "tour", "start": "2026-07-01T18:00:00+03:00", "end": "2026-07-01T20:00:00+03:00"}
    return Reservation.model_validate({"merchant": "m", "id": "R-1", "version": 1, "items": [item], **changes})


def test_a_stored_snapshot_beyond_the_limits_of_today_can_be_read() -> None:
    stored = json.loads(dump_snapshot(snapshot()))
    stored |= {"title": "x" * 5000, "url": "https://example.org/" + "x" * 5000, "field_of_tomorrow": 1}
    stored["items"][0]["start"] = "1950-01-01T00:00:00Z"
    del stored["notes"]
    read = load_snapshot("m", "R-1", json.dumps(stored))
    assert (len(read.title), len(read.url or ""), read.notes) == (5000, 5020, "")
    assert read.items[0].start == datetime(1950, 1, 1, tzinfo=UTC)
    assert [str(owner) for owner in read.owners] == ["product:tour"]


def test_equal_content_has_one_hash_whatever_the_version_and_the_offset() -> None:
    item = {"product": "tour", "start": "2026-07-01T15:00:00Z", "end": "2026-07-01T17:00:00Z"}
    assert plain_content_hash(snapshot()) == plain_content_hash(snapshot(version=2, items=[item]))


@pytest.mark.parametrize("change", [{"title": "B"}, {"notes": "B"}, {"status": "tentative"}, {"guest": {"name": "B"}}])
def test_other_content_has_another_hash(change: dict[str, object]) -> None:
    assert plain_content_hash(snapshot()) != plain_content_hash(snapshot(**change))


def test_a_reduced_snapshot_has_nothing_that_people_have_written() -> None:
    told = Reservation.model_validate(
        {
            "merchant": "m",
            "id": "R-1",
            "version": 3,
            "title": "Kayaks for Mervi",
            "notes": "Allergic",
            "guest": {"name": "Mervi"},
            "url": "https://example.org/mervi",
            "items": [{"product": "tour", "start": "2027-07-01", "end": "2027-07-02"}],
        }
    )
    reduced = reduce_snapshot(dump_snapshot(told))
    assert load_snapshot("m", "R-1", reduced) == Reservation(merchant="m", id="R-1", version=3, items=told.items)
    assert load_snapshot("m", "R-1", reduce_snapshot(reduced, ReservationStatus.CANCELLED)).cancelled
    assert "ervi" not in reduced
