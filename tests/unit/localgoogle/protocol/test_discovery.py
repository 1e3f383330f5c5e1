"""The document decides: answers have the shape that it describes."""

from localgoogle.protocol.discovery import calendar_v3


def test_methods_are_found_by_verb_and_path() -> None:
    found = calendar_v3().match("POST", "/calendar/v3/calendars/a%40b/events/import")
    assert found is not None
    assert (found[0].id, found[1]) == ("events.import", {"calendarId": "a@b"})
    assert calendar_v3().match("POST", "/calendar/v3/calendars/a/events/b") is None


def test_scopes_are_the_documents() -> None:
    scopes = calendar_v3().methods["freebusy.query"].scopes
    names = {scope.rpartition("/")[2] for scope in scopes}
    assert names == {"calendar", "calendar.events.freebusy", "calendar.freebusy", "calendar.readonly"}
