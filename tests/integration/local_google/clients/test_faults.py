"""Faults of the local Google, as clients show them."""

from datetime import timedelta

import pytest

from tests.support.clocks import ShiftedClock
from tests.support.google_clients.bodies import DAY, NOON, timed
from tests.support.google_clients.calendar_client import CalendarClient, Refused, refused
from tests.support.google_clients.connecting import Connector
from tests.support.google_clients.controls import LocalGoogleControls


@pytest.mark.parametrize(
    "failure",
    [
        ("backendError", 500),
        ("backendError", 503),
        ("rateLimitExceeded", 403),
        ("rateLimitExceeded", 429),
        ("userRateLimitExceeded", 403),
        ("quotaExceeded", 403),
    ],
    ids=str,
)
def test_one_failure_shows_its_reason_and_the_next_call_succeeds(
    client: CalendarClient, calendar_id: str, controls: LocalGoogleControls, email: str, failure: tuple[str, int]
) -> None:
    reason, status = failure
    controls.fault("events.insert", reason, account=email, status=status)
    with refused(status, reason):
        client.insert_event(calendar_id, timed(summary="First"))
    client.insert_event(calendar_id, timed(summary="Second"))
    assert [event["summary"] for event in client.events(calendar_id)] == ["Second"]


def test_each_error_has_the_status_that_google_gives_it(
    client: CalendarClient, calendar_id: str, controls: LocalGoogleControls, email: str
) -> None:
    for reason, status in (("backendError", 500), ("rateLimitExceeded", 403), ("quotaExceeded", 403)):
        controls.fault("events.insert", reason, account=email)
        with refused(status, reason):
            client.insert_event(calendar_id, timed())


def test_a_fault_lasts_as_many_times_as_was_set(
    client: CalendarClient, calendar_id: str, controls: LocalGoogleControls, email: str
) -> None:
    controls.fault("events.insert", "backendError", account=email, count=2)
    for _ in range(2):
        with refused(500, "backendError"):
            client.insert_event(calendar_id, timed())
    assert client.insert_event(calendar_id, timed())["status"] == "confirmed"


def test_an_event_with_a_lost_answer_exists(
    client: CalendarClient, calendar_id: str, controls: LocalGoogleControls, email: str
) -> None:
    controls.fault("events.insert", "lost_response", account=email)
    # httplib2 sends it again and is told of its own event; Node's client reports the lost connection.
    with pytest.raises((Refused, ConnectionError)):
        client.insert_event(calendar_id, timed(id="0a1b2c3d4e"))
    assert [event["id"] for event in client.events(calendar_id)] == ["0a1b2c3d4e"]


def test_a_request_that_was_dropped_did_nothing(
    client: CalendarClient, calendar_id: str, controls: LocalGoogleControls, email: str
) -> None:
    # Twice, because httplib2 sends it again on its own.
    controls.fault("events.insert", "drop", account=email, count=2)
    with pytest.raises((Refused, ConnectionError)):
        client.insert_event(calendar_id, timed(id="0a1b2c3d4e"))
    assert client.events(calendar_id) == []


def test_a_calendar_that_fails_in_freebusy_is_not_shown_as_free(
    client: CalendarClient, calendar_id: str, controls: LocalGoogleControls, email: str
) -> None:
    client.insert_event(calendar_id, timed(NOON))
    controls.fault("freebusy.query", "freebusy_error", account=email)
    failed = client.busy([calendar_id], *DAY)[calendar_id]
    assert failed.errors
    assert not failed.slots
    assert not client.busy([calendar_id], *DAY)[calendar_id].errors


def test_a_client_that_calls_too_often_is_limited_alone(
    connect: Connector, controls: LocalGoogleControls, clock: ShiftedClock
) -> None:
    controls.create_account("calm@example.com", "Europe/Oslo")
    calm = Connector(controls, "calm@example.com", connect.driver, connect.opened)()
    hasty = connect()
    with controls.quota(per_user_per_minute=3):
        for _ in range(3):
            hasty.listed_calendars()
        with refused(403, "userRateLimitExceeded"):
            hasty.listed_calendars()
        assert calm.listed_calendars() == ["calm@example.com"]
        clock.advance(timedelta(seconds=61))
        assert hasty.listed_calendars() == [connect.account]
