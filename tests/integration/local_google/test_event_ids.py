"""An event's id, from its first use to the end of time."""

import pytest

from tests.support.local_google import ApiClient, reason, timed

ID = "abcdev0123"


@pytest.mark.parametrize("bad", ["abcd", "ABCDEF", "abcdw", "abc-de", "a" * 1025])
def test_an_id_outside_of_the_alphabet_or_length_is_refused(
    calendar_api: ApiClient, calendar_path: str, bad: str
) -> None:
    response = calendar_api.post(f"{calendar_path}/events", json=timed(id=bad))
    assert reason(response) == (400, "invalid")
    assert response.json()["error"]["message"] == "Invalid resource id value."


@pytest.mark.parametrize("good", ["abcde", "0" * 1024, ID])
def test_ids_of_base32hex_are_taken_as_they_are(calendar_api: ApiClient, calendar_path: str, good: str) -> None:
    assert calendar_api.post(f"{calendar_path}/events", json=timed(id=good)).json()["id"] == good


def test_a_living_id_is_taken(calendar_api: ApiClient, calendar_path: str) -> None:
    calendar_api.post(f"{calendar_path}/events", json=timed(id=ID))
    assert reason(calendar_api.post(f"{calendar_path}/events", json=timed(id=ID))) == (409, "duplicate")


def test_a_deleted_id_stays_taken(calendar_api: ApiClient, calendar_path: str) -> None:
    calendar_api.post(f"{calendar_path}/events", json=timed(id=ID))
    assert calendar_api.delete(f"{calendar_path}/events/{ID}").status_code == 204
    assert reason(calendar_api.post(f"{calendar_path}/events", json=timed(id=ID))) == (409, "duplicate")


def test_another_calendar_may_use_the_same_id(calendar_api: ApiClient, calendar_path: str) -> None:
    calendar_api.post(f"{calendar_path}/events", json=timed(id=ID))
    assert calendar_api.post("/calendars/primary/events", json=timed(id=ID)).status_code == 200


def test_deleting_twice_and_deleting_an_unknown_event_have_different_answers(
    calendar_api: ApiClient, calendar_path: str
) -> None:
    calendar_api.post(f"{calendar_path}/events", json=timed(id=ID))
    first, second = (calendar_api.delete(f"{calendar_path}/events/{ID}") for _ in range(2))
    assert (first.status_code, first.content) == (204, b"")
    assert reason(second) == (410, "deleted")
    assert reason(calendar_api.delete(f"{calendar_path}/events/never0")) == (404, "notFound")


def test_a_deleted_event_is_read_as_cancelled_with_its_details(calendar_api: ApiClient, calendar_path: str) -> None:
    calendar_api.post(f"{calendar_path}/events", json=timed(id=ID))
    calendar_api.delete(f"{calendar_path}/events/{ID}")
    event = calendar_api.get(f"{calendar_path}/events/{ID}").json()
    assert (event["status"], event["summary"]) == ("cancelled", "Tour")


def test_a_patch_without_status_leaves_a_deleted_event_deleted(calendar_api: ApiClient, calendar_path: str) -> None:
    calendar_api.post(f"{calendar_path}/events", json=timed(id=ID))
    calendar_api.delete(f"{calendar_path}/events/{ID}")
    response = calendar_api.patch(f"{calendar_path}/events/{ID}", json={"summary": "Back?"})
    assert (response.status_code, response.json()["status"]) == (200, "cancelled")


def test_cancelling_by_status_deletes(calendar_api: ApiClient, calendar_path: str) -> None:
    calendar_api.post(f"{calendar_path}/events", json=timed(id=ID))
    assert (
        calendar_api.patch(f"{calendar_path}/events/{ID}", json={"status": "cancelled"}).json()["status"] == "cancelled"
    )
    assert reason(calendar_api.delete(f"{calendar_path}/events/{ID}")) == (410, "deleted")
    assert calendar_api.get(f"{calendar_path}/events").json()["items"] == []


def test_two_events_cannot_share_an_ical_uid(calendar_api: ApiClient, calendar_path: str) -> None:
    calendar_api.post(f"{calendar_path}/events", json=timed(iCalUID="one@platform"))
    assert reason(calendar_api.post(f"{calendar_path}/events", json=timed(iCalUID="one@platform"))) == (
        409,
        "duplicate",
    )


def test_importing_an_ical_uid_again_changes_the_same_event(calendar_api: ApiClient, calendar_path: str) -> None:
    first = calendar_api.post(f"{calendar_path}/events/import", json=timed(iCalUID="one@platform")).json()
    second = calendar_api.post(
        f"{calendar_path}/events/import", json=timed(iCalUID="one@platform", summary="Longer tour")
    ).json()
    assert (second["id"], second["summary"]) == (first["id"], "Longer tour")
    assert reason(calendar_api.post(f"{calendar_path}/events/import", json=timed())) == (400, "required")
