"""Conference data counts only in writes with ``conferenceDataVersion=1``."""

import httpx
import pytest

from tests.support.local_google import ANNA, ApiClient, reason, timed

EVENTS = "/calendars/primary/events"
MEETING = {
    "conferenceId": "aaa-bbbb-ccc",
    "conferenceSolution": {"name": "Google Meet", "key": {"type": "hangoutsMeet"}},
    "entryPoints": [{"entryPointType": "video", "uri": "https://meet.google.com/aaa-bbbb-ccc"}],
}
OTHER = {**MEETING, "conferenceId": "xxx-yyyy-zzz"}
COPY = {"iCalUID": "uid@example.com"}


def shown(answer: httpx.Response) -> object:
    assert answer.status_code == 200, answer.text
    return answer.json().get("conferenceData")


@pytest.mark.parametrize(("version", "kept"), [(None, None), (0, None), (1, MEETING)])
def test_a_new_event_has_its_meeting_only_with_the_version(
    calendar_api: ApiClient, version: int | None, kept: object
) -> None:
    params = {} if version is None else {"conferenceDataVersion": version}
    body = timed(conferenceData=MEETING)
    assert shown(calendar_api.post(EVENTS, params=params, json=body)) == kept
    assert shown(calendar_api.post(f"{EVENTS}/import", params=params, json=body | COPY)) == kept


def test_without_the_version_a_write_leaves_the_meeting_as_it_is(
    calendar_api: ApiClient, controls_http: httpx.Client
) -> None:
    path, event = f"{EVENTS}/abcde", timed(id="abcde", iCalUID="uid@example.com")
    calendar_api.post(EVENTS, json=event)
    by_hand = {"conferenceData": MEETING}
    assert controls_http.patch(f"/accounts/{ANNA}{path}", json=by_hand).json()["conferenceData"] == MEETING
    assert shown(calendar_api.put(path, json=timed())) == MEETING
    assert shown(calendar_api.put(path, json=timed(conferenceData=OTHER))) == MEETING
    assert shown(calendar_api.patch(path, json={"conferenceData": OTHER})) == MEETING
    assert shown(calendar_api.patch(path, json={"conferenceData": None})) == MEETING
    assert shown(calendar_api.post(f"{EVENTS}/import", json=timed(conferenceData=OTHER) | COPY)) == MEETING


def test_with_the_version_a_write_replaces_and_clears_the_meeting(calendar_api: ApiClient) -> None:
    path, version = f"{EVENTS}/abcde", {"conferenceDataVersion": 1}
    calendar_api.post(EVENTS, json=timed(id="abcde"))
    assert shown(calendar_api.patch(path, params=version, json={"conferenceData": MEETING})) == MEETING
    assert shown(calendar_api.put(path, params=version, json=timed(conferenceData=OTHER))) == OTHER
    assert shown(calendar_api.put(path, params=version, json=timed())) is None
    refused = calendar_api.put(path, params={"conferenceDataVersion": 2}, json=timed())
    assert reason(refused)[0] == 400
