"""Previews from answers that the local Google does not give."""

from datetime import UTC, datetime, timedelta

import pytest

from slotsync.domain.availability.intervals import Interval
from slotsync.errors import BadRequest
from slotsync.google.previews import CalendarPreviews, Disclosure
from slotsync.google.service import GoogleServices
from tests.support.answering_server import Answer, AnsweringServer

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
BARE: dict[str, object] = {"start": {"dateTime": "2026-12-01T12:00:00Z"}, "end": {"dateTime": "2026-12-01T13:00:00Z"}}


def page(*events: dict[str, object], more: bool = False) -> Answer:
    return Answer.of(200, {"items": events, **({"nextPageToken": "next"} if more else {})})


@pytest.mark.parametrize(
    ("pages", "disclosure"),
    [
        ([page()], Disclosure.NO_EVENTS),
        ([page(more=True), page()], Disclosure.NO_EVENTS),
        ([page(more=True), page(BARE)], Disclosure.TIMES),
        ([page(BARE, more=True), page(more=True), page(BARE, {**BARE, "summary": "Dentist"})], Disclosure.DETAILS),
        ([page({**BARE, "summary": "", "attendees": []})], Disclosure.TIMES),
        ([page({**BARE, "visibility": "private", "status": "confirmed", "etag": "1"})], Disclosure.TIMES),
    ],
)
def test_all_pages_count_also_behind_an_empty_one(
    answering: AnsweringServer, answered: GoogleServices, pages: list[Answer], disclosure: Disclosure
) -> None:
    answering.replies = [*pages]
    assert CalendarPreviews(answered).check_disclosure("c-1", "calendar", NOON) is disclosure
    assert len(answering.requests) == len(pages)


def test_an_invalid_request_is_not_taken_for_a_refusal_to_show_events(
    answering: AnsweringServer, answered: GoogleServices
) -> None:
    answering.reply = Answer.of(400, {"error": {"code": 400, "errors": [{"reason": "badRequest"}], "message": "x"}})
    with pytest.raises(BadRequest):
        CalendarPreviews(answered).check_disclosure("c-1", "calendar", NOON)


def test_a_busy_time_without_a_length_is_ignored(answering: AnsweringServer, answered: GoogleServices) -> None:
    moment, later = "2026-12-01T12:00:00Z", "2026-12-01T13:00:00Z"
    busy = [{"start": moment, "end": moment}, {"start": moment, "end": later}]
    answering.reply = Answer.of(200, {"calendars": {"calendar": {"busy": busy}}})
    found = CalendarPreviews(answered).read_busy_times("c-1", ["calendar"], NOON, NOON + timedelta(days=1))
    assert found == {"calendar": (Interval(start=NOON, end=NOON + timedelta(hours=1)),)}


@pytest.mark.parametrize("calendars", [{}, {"other": {"busy": []}}, {"calendar": {"errors": [{}], "busy": []}}])
def test_a_calendar_that_is_not_in_the_answer_is_unknown(
    answering: AnsweringServer, answered: GoogleServices, calendars: dict[str, object]
) -> None:
    answering.reply = Answer.of(200, {"calendars": calendars})
    assert CalendarPreviews(answered).read_busy_times("c-1", ["calendar"], NOON, NOON + timedelta(days=1)) == {
        "calendar": None
    }


def test_an_event_without_times_is_not_shown(answering: AnsweringServer, answered: GoogleServices) -> None:
    answering.reply = page({"summary": "Nowhere"}, {**BARE, "summary": "Tour"})
    shown = CalendarPreviews(answered).list_events("c-1", "calendar", NOON, NOON + timedelta(days=1))
    assert [each.title for each in shown] == ["Tour"]
