from datetime import date, datetime

import pytest

from slotsync.domain.calendars.owner import GuestData, OwnerSettings
from slotsync.domain.reservations.event import EventContent
from slotsync.domain.reservations.event_content import describe
from slotsync.domain.reservations.snapshot import Reservation

TOLD = {
    "merchant": "m",
    "id": "R-1042",
    "version": 1,
    "title": "Sunset tour, 2 persons",
    "items": [{"product": "tour", "start": "2026-07-01T18:00:00+03:00", "end": "2026-07-01T20:00:00+03:00"}],
    "guest": {"name": "Aino Virtanen", "email": "aino@example.com", "phone": "+358 40 1"},
    "notes": "Allergic to nuts",
    "url": "https://shop.example/R-1042",
}


def content(level: GuestData, **changes: object) -> EventContent:
    reservation = Reservation.model_validate({**TOLD, **changes})
    return describe(reservation, reservation.items[0], OwnerSettings(name="Tour", guest_data=level))


def test_full_names_the_guest() -> None:
    said = content(GuestData.FULL).description
    assert said.split("\n") == [
        "Reservation R-1042",
        "Aino Virtanen",
        "aino@example.com",
        "+358 40 1",
        "Allergic to nuts",
    ]


def test_what_people_typed_is_shown_as_they_typed_it() -> None:
    guest = {"name": "Ann <ann@example.com>"}
    notes = 'arrive <18:00 & <a href="https://example.org">here</a>'
    said = content(GuestData.FULL, id="R<b>1", guest=guest, notes=notes).description
    assert said.split("\n") == [
        "Reservation R&lt;b&gt;1",
        "Ann &lt;ann@example.com&gt;",
        'arrive &lt;18:00 &amp; &lt;a href="https://example.org"&gt;here&lt;/a&gt;',
    ]


@pytest.mark.parametrize("level", [GuestData.LIMITED, GuestData.BUSY])
def test_less_than_full_says_nothing_of_the_guest(level: GuestData) -> None:
    words = ("Aino", "aino@example.com", "358", "nuts")
    full, less = content(GuestData.FULL).model_dump_json(), content(level).model_dump_json()
    assert [word for word in words if word in full] == [*words]
    assert [word for word in words if word in less] == []


def test_limited_has_title_number_and_link() -> None:
    said = content(GuestData.LIMITED)
    assert (said.summary, said.description) == ("Sunset tour, 2 persons", "Reservation R-1042")
    assert said.url == "https://shop.example/R-1042"


def test_busy_says_only_that_it_is_taken() -> None:
    said = content(GuestData.BUSY)
    assert (said.summary, said.description, said.url) == ("Reserved", "", None)


def test_a_reservation_without_title_is_called_by_its_number() -> None:
    assert content(GuestData.LIMITED, title="").summary == "Reservation R-1042"


@pytest.mark.parametrize(("end", "shown"), [("2026-07-03", date(2026, 7, 3)), ("2026-07-01", date(2026, 7, 2))])
def test_a_stay_without_nights_takes_its_day(end: str, shown: date) -> None:
    booked = content(GuestData.LIMITED, items=[{"product": "room", "start": "2026-07-01", "end": end}])
    assert not isinstance(booked.end, datetime)
    assert (booked.start, booked.end) == (date(2026, 7, 1), shown)


def test_the_same_content_has_the_same_fingerprint_and_other_content_another() -> None:
    assert content(GuestData.FULL).plain_fingerprint == content(GuestData.FULL, version=9).plain_fingerprint
    assert content(GuestData.FULL).plain_fingerprint != content(GuestData.FULL, title="Moved").plain_fingerprint
    assert content(GuestData.FULL).plain_fingerprint != content(GuestData.FULL, status="tentative").plain_fingerprint
