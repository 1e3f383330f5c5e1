"""Sync tokens: only what changed."""

import pytest

from tests.support.google_clients.bodies import NOON, private, timed
from tests.support.google_clients.calendar_client import CalendarClient, Refused, refused
from tests.support.google_clients.controls import LocalGoogleControls


def token_of(client: CalendarClient, calendar_id: str) -> str:
    return client.events_page(calendar_id)["nextSyncToken"]


def changes(client: CalendarClient, calendar_id: str, token: str) -> dict[str, str]:
    return {event["id"]: event["status"] for event in client.events(calendar_id, syncToken=token)}


def test_only_what_changed_comes_and_deletions_too(client: CalendarClient, calendar_id: str) -> None:
    untouched, patched, dropped = (client.insert_event(calendar_id, timed())["id"] for _ in range(3))
    token = token_of(client, calendar_id)
    client.patch_event(calendar_id, patched, {"summary": "Night tour"})
    client.delete_event(calendar_id, dropped)
    added = client.insert_event(calendar_id, timed())["id"]
    changed = changes(client, calendar_id, token)
    assert changed == {patched: "confirmed", dropped: "cancelled", added: "confirmed"}
    assert untouched not in changed


def test_nothing_comes_when_nothing_changed(client: CalendarClient, calendar_id: str) -> None:
    client.insert_event(calendar_id, timed())
    assert changes(client, calendar_id, token_of(client, calendar_id)) == {}


def test_each_answer_has_the_token_for_the_next(client: CalendarClient, calendar_id: str) -> None:
    token = token_of(client, calendar_id)
    first = client.insert_event(calendar_id, timed())["id"]
    page = client.events_page(calendar_id, syncToken=token)
    second = client.insert_event(calendar_id, timed())["id"]
    assert [event["id"] for event in page["items"]] == [first]
    assert changes(client, calendar_id, page["nextSyncToken"]) == {second: "confirmed"}


def test_many_changes_come_in_pages(client: CalendarClient, calendar_id: str) -> None:
    token = token_of(client, calendar_id)
    made = {client.insert_event(calendar_id, timed())["id"] for _ in range(5)}
    assert {event["id"] for event in client.events(calendar_id, syncToken=token, maxResults=2)} == made


def test_an_event_created_and_deleted_between_syncs_appears_at_most_as_deleted(
    client: CalendarClient, calendar_id: str
) -> None:
    token = token_of(client, calendar_id)
    made = client.insert_event(calendar_id, timed())["id"]
    client.delete_event(calendar_id, made)
    assert changes(client, calendar_id, token) in ({}, {made: "cancelled"})


def test_a_token_that_is_no_longer_valid_demands_a_full_sync(
    client: CalendarClient, calendar_id: str, controls: LocalGoogleControls, email: str
) -> None:
    token = token_of(client, calendar_id)
    controls.fault("events.list", "fullSyncRequired", account=email)
    with refused(410, "fullSyncRequired"):
        client.events_page(calendar_id, syncToken=token)


def test_a_token_of_another_calendar_demands_a_full_sync(client: CalendarClient, calendar_id: str) -> None:
    other = client.create_calendar({"summary": "Guide 1"})["id"]
    with refused(410, "fullSyncRequired"):
        client.events_page(calendar_id, syncToken=token_of(client, other))


def test_a_token_that_google_never_gave_is_refused(client: CalendarClient, calendar_id: str) -> None:
    with pytest.raises(Refused) as caught:
        client.events_page(calendar_id, syncToken="not-a-token")
    # Which of the two is not documented.
    assert caught.value.status in {400, 410}


@pytest.mark.parametrize(
    "restriction",
    [
        {"timeMin": NOON.isoformat()},
        {"timeMax": NOON.isoformat()},
        {"updatedMin": NOON.isoformat()},
        {"privateExtendedProperty": "reservation=R-1"},
        {"q": "tour"},
        {"iCalUID": "R-1@booking.example"},
        {"orderBy": "updated"},
    ],
    ids=lambda restriction: str(*restriction),
)
def test_a_token_goes_with_no_restriction(
    client: CalendarClient, calendar_id: str, restriction: dict[str, str]
) -> None:
    token = token_of(client, calendar_id)
    with pytest.raises(Refused) as caught:
        client.events_page(calendar_id, syncToken=token, **restriction)
    assert caught.value.status == 400


def test_a_token_of_a_window_keeps_to_the_window(client: CalendarClient, calendar_id: str) -> None:
    token = client.events_page(calendar_id, timeMin=NOON.isoformat())["nextSyncToken"]
    client.insert_event(calendar_id, timed(NOON.replace(year=2025), extendedProperties=private(reservation="R-1")))
    inside = client.insert_event(calendar_id, timed(NOON))["id"]
    assert changes(client, calendar_id, token) == {inside: "confirmed"}
