"""The scopes of a grant, and its end."""

from datetime import timedelta

import pytest

from tests.support.clocks import ShiftedClock
from tests.support.google_clients.bodies import NOON, private, timed
from tests.support.google_clients.calendar_client import Busy, CalendarClient, refused
from tests.support.google_clients.connecting import Connector
from tests.support.google_clients.controls import LocalGoogleControls
from tests.support.google_clients.recording import Recorder
from tests.support.local_google import AUTH

WINDOW = (NOON - timedelta(hours=1), NOON + timedelta(hours=2))
APP_CREATED = f"{AUTH}calendar.app.created"


def test_app_created_covers_the_whole_life_of_own_calendars(connect: Connector) -> None:
    client = connect(APP_CREATED)
    own = client.create_calendar({"summary": "Kayak"})["id"]
    made = client.insert_event(own, timed())
    client.patch_event(own, made["id"], {"summary": "Night tour"})
    client.delete_event(own, made["id"])
    client.delete_calendar(own)


def test_app_created_does_not_find_the_primary_calendar(connect: Connector) -> None:
    client = connect(APP_CREATED)
    with refused(404, "notFound"):
        client.get_calendar("primary")
    with refused(404, "notFound"):
        client.events_page("primary")
    with refused(404, "notFound"):
        client.insert_event("primary", timed())


def test_app_created_does_not_find_what_the_user_made(
    connect: Connector, controls: LocalGoogleControls, email: str
) -> None:
    by_hand = controls.add_calendar_by_hand(email, "Family", "Europe/Oslo")
    with refused(404, "notFound"):
        connect(APP_CREATED).events_page(by_hand)


def test_app_created_does_not_find_what_another_client_made(connect: Connector, calendar_id: str) -> None:
    with refused(404, "notFound"):
        connect(APP_CREATED, client_id="somebody-else").get_calendar(calendar_id)


def test_app_created_may_neither_list_calendars_nor_ask_for_busy_times(connect: Connector) -> None:
    client = connect(APP_CREATED)
    with refused(403, "insufficientPermissions"):
        client.listed_calendars()
    with refused(403, "insufficientPermissions"):
        client.busy(["primary"], *WINDOW)


def test_app_created_may_not_move_events(connect: Connector) -> None:
    client = connect(APP_CREATED)
    here, there = (client.create_calendar({"summary": title})["id"] for title in ("Kayak", "Canoe"))
    made = client.insert_event(here, timed())
    with refused(403, "insufficientPermissions"):
        client.call("events.move", {"calendarId": here, "eventId": made["id"], "destination": there})


def test_freebusy_asks_for_busy_times_and_nothing_else(
    connect: Connector, controls: LocalGoogleControls, email: str
) -> None:
    controls.add_event_by_hand(email, email, timed(NOON))
    client = connect(f"{AUTH}calendar.freebusy")
    assert client.busy(["primary"], *WINDOW) == {"primary": Busy(((NOON, NOON + timedelta(hours=1)),))}
    with refused(403, "insufficientPermissions"):
        client.events_page("primary")
    with refused(403, "insufficientPermissions"):
        client.create_calendar({"summary": "Kayak"})


def test_events_freebusy_shows_times_of_foreign_events_and_no_more(
    client: CalendarClient, controls: LocalGoogleControls, email: str
) -> None:
    secret = timed(NOON, description="At the clinic", location="Clinic", extendedProperties=private(a="b"))
    controls.add_event_by_hand(email, email, {**secret, "attendees": [{"email": "ann@example.org"}]})
    [shown] = client.events("primary")
    assert shown["start"]["dateTime"] == "2026-12-07T13:00:00+01:00"
    assert not {"summary", "description", "location", "extendedProperties"} & shown.keys()
    assert not shown.get("attendees")


def test_the_whole_calendar_scope_sees_all_of_foreign_events(
    connect: Connector, controls: LocalGoogleControls, email: str
) -> None:
    controls.add_event_by_hand(email, email, timed(NOON, description="At the clinic"))
    [shown] = connect(f"{AUTH}calendar").events("primary")
    assert shown["description"] == "At the clinic"


def test_a_grant_without_calendar_scopes_allows_nothing(connect: Connector) -> None:
    client = connect("openid", "email")
    with refused(403, "insufficientPermissions"):
        client.create_calendar({"summary": "Kayak"})
    with refused(403, "insufficientPermissions"):
        client.get_event("primary", "e1e1e1")
    with refused(403, "insufficientPermissions"):
        client.listed_calendars()


def test_one_account_does_not_find_the_calendars_of_another(
    connect: Connector, calendar_id: str, controls: LocalGoogleControls
) -> None:
    controls.create_account("neighbour@example.com", "Europe/Oslo")
    neighbour = Connector(controls, "neighbour@example.com", connect.driver, connect.opened)
    with refused(404, "notFound"):
        neighbour(f"{AUTH}calendar").get_calendar(calendar_id)


def test_a_withdrawn_grant_is_an_invalid_grant(connect: Connector, controls: LocalGoogleControls, email: str) -> None:
    grant = connect.grant()
    connect.open(grant).create_calendar({"summary": "Kayak"})
    controls.revoke(email)
    with refused(400, "invalid_grant"):
        connect.open(grant).listed_calendars()


def test_a_withdrawn_grant_ends_its_access_tokens_too(
    connect: Connector, controls: LocalGoogleControls, email: str
) -> None:
    grant = connect.grant()
    token = controls.access_token(grant.refresh_token, grant.client_id, grant.client_secret)
    controls.revoke(email)
    with refused(400, "invalid_grant"):
        connect.open(grant, access_token=token).listed_calendars()


def test_a_new_grant_after_a_withdrawn_one_finds_the_calendars_again(
    connect: Connector, calendar_id: str, controls: LocalGoogleControls, email: str
) -> None:
    controls.revoke(email)
    assert connect().get_calendar(calendar_id)["summary"] == "Sunset tour"


def test_a_token_that_was_never_given_is_an_invalid_grant(connect: Connector) -> None:
    grant = connect.grant()
    made_up = type(grant)(grant.google, refresh_token="made-up")
    with refused(400, "invalid_grant"):
        connect.open(made_up).listed_calendars()


@pytest.mark.parametrize("lasting", [timedelta(minutes=30), timedelta(hours=2)], ids=["valid", "expired"])
def test_an_expired_access_token_is_refreshed_silently(
    connect: Connector, controls: LocalGoogleControls, clock: ShiftedClock, recorder: Recorder, lasting: timedelta
) -> None:
    grant = connect.grant()
    token = controls.access_token(grant.refresh_token, grant.client_id, grant.client_secret)
    client = connect.open(grant, access_token=token)
    recorder.take()
    clock.advance(lasting)
    client.create_calendar({"summary": "Kayak"})
    statuses = [exchange.status for exchange in recorder.exchanges]
    assert statuses == ([200] if lasting < timedelta(hours=1) else [401, 200, 200])


def test_one_rejected_access_token_is_refreshed_silently(
    connect: Connector, controls: LocalGoogleControls, email: str
) -> None:
    grant = connect.grant()
    token = controls.access_token(grant.refresh_token, grant.client_id, grant.client_secret)
    controls.fault("calendarList.list", "authError", account=email)
    assert connect.open(grant, access_token=token).listed_calendars() == [email]
