"""The mark of an event, in today's format and in those of before, beside properties of other programs."""

from typing import TYPE_CHECKING

import pytest

from slotsync.domain.reservations.event import DesiredEvent
from slotsync.google.events.body import keep_additions, to_google
from slotsync.google.events.decision import Update, decide, find_differences
from slotsync.google.events.mark import Mark
from tests.support.desired_events import desired_event, shown_event
from tests.support.first_format import first_format

if TYPE_CHECKING:
    from googleapiclient._apis.calendar.v3 import Event

FORMER_NAMES = ["merchant", "reservation", "item", "owner", "version", "fingerprint"]


def shown_in_first_format(desired: DesiredEvent, **theirs: str) -> "Event":
    """Return the event with a mark of the first format, and what another program has written under its names."""
    properties = first_format(to_google(desired)["extendedProperties"]["private"])
    return shown_event(desired, extendedProperties={"private": {**properties, **theirs}})


def test_the_mark_names_the_event_and_its_version() -> None:
    desired = desired_event(version=7)
    marked = to_google(desired)["extendedProperties"]["private"]
    assert marked == {
        "slotsync": "3",
        "slotsyncMerchant": "arctic-kayaks",
        "slotsyncReservation": "R-1042",
        "slotsyncItem": "1",
        "slotsyncOwner": "product:sunset-tour",
        "slotsyncVersion": "7",
        "slotsyncFingerprint": desired.fingerprint,
        "slotsyncFields": "none",
    }


def test_the_mark_says_which_fields_are_written_that_other_levels_leave_empty() -> None:
    both = to_google(desired_event(description="Two persons", url="https://example.com/r/1"))
    assert both["extendedProperties"]["private"]["slotsyncFields"] == "description source"


def test_the_mark_fits_into_googles_limits() -> None:
    marked = to_google(desired_event(reservation="r" * 128, item="i" * 128))["extendedProperties"]["private"]
    assert marked
    assert all(len(key) <= 44 and len(value) <= 1024 for key, value in marked.items())


def test_a_mark_of_the_first_format_is_understood_and_replaced_by_the_next_write() -> None:
    before, desired = shown_in_first_format(desired_event(version=7)), desired_event(version=8)
    assert Mark.from_event(before) == Mark.from_desired(desired_event(version=7))
    assert find_differences(before, desired_event(version=7)) == []
    assert keep_additions(to_google(desired), before)["extendedProperties"] == to_google(desired)["extendedProperties"]


def test_the_second_formats_property_for_searches_is_ours_and_another_value_is_not() -> None:
    before, desired = shown_event(desired_event(version=7)), desired_event(version=8)
    properties = before["extendedProperties"]["private"]
    properties |= {"slotsync": "2", "reservation": "R-1042"}
    assert keep_additions(to_google(desired), before)["extendedProperties"] == to_google(desired)["extendedProperties"]
    properties["reservation"] = "theirs"
    assert keep_additions(to_google(desired), before)["extendedProperties"]["private"]["reservation"] == "theirs"


@pytest.mark.parametrize("name", ["merchant", "reservation", "item", "owner", "fingerprint"])
def test_a_property_of_another_program_hides_no_event_with_a_mark_of_the_first_format(name: str) -> None:
    before, desired = shown_in_first_format(desired_event(version=7), **{name: "theirs"}), desired_event(version=8)
    mark = Mark.from_event(before)
    assert mark
    assert mark.matches(desired.merchant, desired.reservation, desired.key)
    assert decide(before, desired) == Update(before["etag"])


@pytest.mark.parametrize(("version", "claims_newer"), [("20301231", True), ("7.1", False), ("-9", False), ("²", False)])
def test_a_version_of_another_program_is_not_believed_in_a_mark_of_the_first_format(
    version: str, claims_newer: bool
) -> None:
    before, desired = shown_in_first_format(desired_event(version=7), version=version), desired_event(version=8)
    assert decide(before, desired) == Update(before["etag"], claims_newer=claims_newer)


@pytest.mark.parametrize("moved", [False, True])
@pytest.mark.parametrize("ours", ["", "Kari Nordmann"])
def test_in_an_event_of_the_first_format_a_description_is_others_if_we_certainly_wrote_none(
    ours: str, *, moved: bool
) -> None:
    written = desired_event(description=ours)
    before = shown_in_first_format(written, fingerprint=written.content.plain_fingerprint)
    before["description"] = "Bring lunch"
    if moved:
        before["end"] = {"dateTime": "2026-07-01T23:00:00+02:00", "timeZone": "Europe/Oslo"}
    kept = keep_additions(to_google(desired_event(version=2)), before)
    assert kept.get("description") == (None if ours or moved else "Bring lunch")


@pytest.mark.parametrize("name", [*FORMER_NAMES, "slot", "slotsyncish"])
def test_a_property_of_another_program_is_kept_whatever_its_name(name: str) -> None:
    event = shown_event(desired_event(version=7))
    event["extendedProperties"]["private"][name] = "20301231"
    assert Mark.from_event(event) == Mark.from_desired(desired_event(version=7))
    kept = keep_additions(to_google(desired_event(version=8)), event)
    assert kept["extendedProperties"]["private"][name] == "20301231"
    assert find_differences(kept, desired_event(version=8)) == []


def test_properties_of_other_programs_alone_are_no_mark() -> None:
    theirs = {**dict.fromkeys(FORMER_NAMES, "theirs"), "version": "7"}
    assert Mark.from_event(shown_event(desired_event(), extendedProperties={"private": theirs})) is None
