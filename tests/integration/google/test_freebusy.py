"""Busy times from answers that the local Google does not give."""

from datetime import UTC, datetime, timedelta

import pytest

from slotsync.domain.availability.intervals import Interval
from slotsync.google.freebusy import BusyTimes, GoogleBusyTimes
from slotsync.google.service import GoogleServices
from tests.support.answering_server import Answer, AnsweringServer

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
DAY = Interval(start=NOON, end=NOON + timedelta(days=1))
HOUR = {"start": "2026-12-01T12:00:00Z", "end": "2026-12-01T13:00:00Z"}
BACKWARDS = {"start": HOUR["end"], "end": HOUR["start"]}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"errors": [{"domain": "global", "reason": ""}], "busy": []}, "unknown"),
        ({"errors": [{"domain": "global"}], "busy": []}, "unknown"),
        ({"errors": [{"reason": "aReasonThatIsNew"}], "busy": [HOUR]}, "aReasonThatIsNew"),
        ({"errors": [{"reason": "notFound"}]}, "notFound"),
        ({"busy": [BACKWARDS]}, "unreadable"),
        ({"busy": [HOUR, {"start": "2026-12-01T12:00:00Z"}]}, "unreadable"),
        ({"busy": [{"start": "2026-12-01T12:00:00", "end": "2026-12-01T13:00:00"}]}, "unreadable"),
    ],
)
def test_a_calendar_with_a_malformed_answer_is_never_free_and_hides_no_other(
    answering: AnsweringServer, answered: GoogleServices, answer: dict[str, object], error: str
) -> None:
    answering.reply = Answer.of(200, {"calendars": {"odd": answer, "family": {"busy": [HOUR]}}})
    assert GoogleBusyTimes(answered).read("c-1", ["odd", "family"], DAY) == {
        "odd": BusyTimes(error=error),
        "family": BusyTimes(busy=(Interval(start=NOON, end=NOON + timedelta(hours=1)),)),
    }
