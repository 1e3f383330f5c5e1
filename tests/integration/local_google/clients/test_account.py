"""The account: its calendar list, its colours, its settings."""

from tests.support.google_clients.calendar_client import CalendarClient, refused
from tests.support.google_clients.connecting import Connector
from tests.support.google_clients.recording import Json
from tests.support.local_google import AUTH


def answered(answer: object) -> dict[str, Json]:
    assert isinstance(answer, dict)
    return answer


def test_the_maker_of_a_calendar_owns_it(client: CalendarClient, calendar_id: str) -> None:
    entry = answered(client.call("calendarList.get", {"calendarId": calendar_id}))
    assert (entry["accessRole"], entry["summary"]) == ("owner", "Sunset tour")
    assert "primary" not in entry


def test_one_calendar_in_the_list_is_primary(client: CalendarClient, calendar_id: str, email: str) -> None:
    listed = answered(client.call("calendarList.list", {}))["items"]
    assert isinstance(listed, list)
    assert [answered(entry)["id"] for entry in listed if answered(entry).get("primary")] == [email]


def test_a_calendar_can_be_given_a_colour(client: CalendarClient, calendar_id: str) -> None:
    body = {"backgroundColor": "#16a765", "foregroundColor": "#000000"}
    client.call("calendarList.patch", {"calendarId": calendar_id, "colorRgbFormat": True}, body=body)
    entry = answered(client.call("calendarList.get", {"calendarId": calendar_id}))
    assert (entry["backgroundColor"], entry["foregroundColor"]) == ("#16a765", "#000000")


def test_the_list_of_calendars_has_pages_and_a_sync_token(client: CalendarClient) -> None:
    made = {client.create_calendar({"summary": f"Guide {number}"})["id"] for number in range(3)}
    first = answered(client.call("calendarList.list", {"maxResults": 2}))
    assert "nextSyncToken" not in first
    last = answered(client.call("calendarList.list", {"maxResults": 2, "pageToken": str(first["nextPageToken"])}))
    new = client.create_calendar({"summary": "Guide 4"})["id"]
    synced = answered(client.call("calendarList.list", {"syncToken": str(last["nextSyncToken"])}))
    assert isinstance(synced["items"], list)
    assert [answered(entry)["id"] for entry in synced["items"]] == [new]
    assert made < set(client.listed_calendars())


def test_a_sync_token_shows_a_deleted_calendar(client: CalendarClient, calendar_id: str) -> None:
    token = answered(client.call("calendarList.list", {}))["nextSyncToken"]
    client.delete_calendar(calendar_id)
    synced = answered(client.call("calendarList.list", {"syncToken": str(token)}))
    assert isinstance(synced["items"], list)
    assert [(answered(entry)["id"], answered(entry)["deleted"]) for entry in synced["items"]] == [(calendar_id, True)]


def test_the_palette_has_colours_for_calendars_and_events(client: CalendarClient) -> None:
    palette = answered(client.call("colors.get", {}))
    assert answered(palette["calendar"])["1"]
    assert answered(palette["event"])["1"]


def test_settings_show_the_zone_of_the_account(connect: Connector) -> None:
    setting = answered(connect(f"{AUTH}calendar").call("settings.get", {"setting": "timezone"}))
    assert setting["value"] == "Europe/Oslo"


def test_settings_are_outside_the_scopes_of_slotsync(client: CalendarClient) -> None:
    with refused(403, "insufficientPermissions"):
        client.call("settings.list", {})
