"""What a look concludes from answers that the local Google does not give."""

from datetime import UTC, datetime, timedelta

import pytest

from slotsync.google.looking import GivenAway, GoogleLooks
from slotsync.google.service import GoogleServices
from tests.google.conftest import Answer, AnsweringServer

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
BARE: dict[str, object] = {"start": {"dateTime": "2026-12-01T12:00:00Z"}, "end": {"dateTime": "2026-12-01T13:00:00Z"}}


def page(*events: dict[str, object], more: bool = False) -> Answer:
    return Answer.of(200, {"items": events, **({"nextPageToken": "next"} if more else {})})


@pytest.mark.parametrize(
    ("pages", "given"),
    [
        ([page()], GivenAway.NO_EVENTS),
        ([page(more=True), page()], GivenAway.NO_EVENTS),
        ([page(more=True), page(BARE)], GivenAway.TIMES),
        ([page(BARE, more=True), page(more=True), page(BARE, {**BARE, "summary": "Dentist"})], GivenAway.DETAILS),
        ([page({**BARE, "summary": "", "attendees": []})], GivenAway.TIMES),
        ([page({**BARE, "visibility": "private", "status": "confirmed", "etag": "1"})], GivenAway.TIMES),
    ],
)
def test_all_pages_count_also_behind_an_empty_one(
    answering: AnsweringServer, answered: GoogleServices, pages: list[Answer], given: GivenAway
) -> None:
    answering.replies = [*pages]
    assert GoogleLooks(answered).given_away("c-1", "calendar", NOON) is given
    assert len(answering.seen) == len(pages)


@pytest.mark.parametrize("calendars", [{}, {"other": {"busy": []}}, {"calendar": {"errors": [{}], "busy": []}}])
def test_a_calendar_that_is_not_in_the_answer_is_unknown(
    answering: AnsweringServer, answered: GoogleServices, calendars: dict[str, object]
) -> None:
    answering.reply = Answer.of(200, {"calendars": calendars})
    assert GoogleLooks(answered).busy("c-1", ["calendar"], NOON, NOON + timedelta(days=1)) == {"calendar": None}


def test_what_has_no_times_is_not_shown(answering: AnsweringServer, answered: GoogleServices) -> None:
    answering.reply = page({"summary": "Nowhere"}, {**BARE, "summary": "Tour"})
    shown = GoogleLooks(answered).events("c-1", "calendar", NOON, NOON + timedelta(days=1))
    assert [each.title for each in shown] == ["Tour"]
