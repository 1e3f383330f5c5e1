"""Creation, changes and deletion of a calendar."""

from tests.support.google_clients.calendar_client import CalendarClient, refused
from tests.support.google_clients.controls import LocalGoogleControls


def test_a_new_calendar_can_be_read_back(client: CalendarClient) -> None:
    made = client.create_calendar({"summary": "Kayak", "description": "All tours", "timeZone": "Europe/Oslo"})
    assert made["id"].endswith("@group.calendar.google.com")
    found = client.get_calendar(made["id"])
    assert (found["summary"], found["description"], found["timeZone"]) == ("Kayak", "All tours", "Europe/Oslo")


def test_a_calendar_needs_a_title(client: CalendarClient) -> None:
    with refused(400, "required"):
        client.create_calendar({})


def test_a_calendar_has_a_zone_that_exists(client: CalendarClient) -> None:
    with refused(400, "invalid"):
        client.create_calendar({"summary": "Kayak", "timeZone": "Mars/Phobos"})


def test_two_calendars_may_have_one_title(client: CalendarClient) -> None:
    first, second = (client.create_calendar({"summary": "Kayak"}) for _ in range(2))
    assert first["id"] != second["id"]


def test_the_list_holds_the_primary_calendar_and_those_of_users_and_clients(
    client: CalendarClient, calendar_id: str, controls: LocalGoogleControls, email: str
) -> None:
    by_hand = controls.add_calendar_by_hand(email, "Family", "Europe/Oslo")
    assert sorted(client.listed_calendars()) == sorted([email, calendar_id, by_hand])


def test_an_update_of_a_calendar_clears_what_it_omits(client: CalendarClient) -> None:
    made = client.create_calendar({"summary": "Kayak", "description": "All tours"})
    client.update_calendar(made["id"], {"summary": "Canoe"})
    found = client.get_calendar(made["id"])
    assert found["summary"] == "Canoe"
    assert "description" not in found


def test_a_patch_of_a_calendar_keeps_what_it_omits(client: CalendarClient) -> None:
    made = client.create_calendar({"summary": "Kayak", "description": "All tours"})
    client.patch_calendar(made["id"], {"summary": "Canoe"})
    found = client.get_calendar(made["id"])
    assert (found["summary"], found["description"]) == ("Canoe", "All tours")


def test_a_deleted_calendar_is_gone(client: CalendarClient, calendar_id: str, email: str) -> None:
    assert sorted(client.listed_calendars()) == sorted([email, calendar_id])
    client.delete_calendar(calendar_id)
    assert client.listed_calendars() == [email]
    with refused(404, "notFound"):
        client.get_calendar(calendar_id)
    with refused(404, "notFound"):
        client.events_page(calendar_id)


def test_a_calendar_that_never_was_is_not_found(client: CalendarClient) -> None:
    with refused(404, "notFound"):
        client.get_calendar("nobody@group.calendar.google.com")
    with refused(404, "notFound"):
        client.delete_calendar("nobody@group.calendar.google.com")
