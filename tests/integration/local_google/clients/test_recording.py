"""The checks that every scenario ends with can fail."""

from tests.support.google_clients.calendar_client import CalendarClient
from tests.support.google_clients.recording import Recorder


def test_every_call_is_recorded_as_it_was_sent_and_answered(client: CalendarClient, recorder: Recorder) -> None:
    recorder.take()
    made = client.create_calendar({"summary": "Kayak"})
    client.get_calendar(made["id"])
    calls = [call for call in recorder.exchanges if call.path.startswith("/calendar/v3/calendars")]
    assert [(call.verb, call.status, call.request_body != b"") for call in calls] == [
        ("POST", 200, True),
        ("GET", 200, False),
    ]
    assert calls[0].request == {"summary": "Kayak"}
    assert isinstance(calls[0].response, dict)
    assert calls[0].response["id"] == made["id"]
