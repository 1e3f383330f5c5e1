"""events.list: filters, pages, sync tokens."""

from datetime import timedelta

import httpx
import pytest

from tests.support.clocks import SettableClock
from tests.support.local_google import ApiClient, reason, timed


def fill(calendar_api: ApiClient, calendar_path: str, number: int) -> None:
    for i in range(number):
        day = f"2026-12-{i + 1:02}"
        body = timed(f"{day}T10:00:00Z", f"{day}T11:00:00Z", id=f"event{i:02}", summary=f"Tour {i}")
        assert calendar_api.post(f"{calendar_path}/events", json=body).status_code == 200


def ids(response: httpx.Response) -> list[str]:
    assert response.status_code == 200, response.text
    return [event["id"] for event in response.json()["items"]]


def all_pages(calendar_api: ApiClient, path: str, **params: str | int) -> tuple[list[str], str]:
    """Return the ids of all items, and the sync token of the last page."""
    seen: list[str] = []
    while True:
        page = calendar_api.get(path, params=params).json()
        seen += [item["id"] for item in page["items"]]
        if "nextPageToken" not in page:
            return seen, page.get("nextSyncToken", "")
        assert "nextSyncToken" not in page
        params["pageToken"] = page["nextPageToken"]


@pytest.mark.parametrize("order", [{}, {"orderBy": "startTime", "singleEvents": "true"}, {"orderBy": "updated"}])
def test_pages_hold_everything_once(calendar_api: ApiClient, calendar_path: str, order: dict[str, str]) -> None:
    fill(calendar_api, calendar_path, 7)
    seen, _ = all_pages(calendar_api, f"{calendar_path}/events", maxResults=3, **order)
    assert seen == [f"event{i:02}" for i in range(7)]


def test_a_change_between_two_pages_is_not_lost_to_the_next_sync(calendar_api: ApiClient, calendar_path: str) -> None:
    fill(calendar_api, calendar_path, 5)
    first = calendar_api.get(f"{calendar_path}/events", params={"maxResults": 3}).json()
    calendar_api.patch(f"{calendar_path}/events/event00", json={"summary": "Changed"})
    _, token = all_pages(calendar_api, f"{calendar_path}/events", maxResults=3, pageToken=first["nextPageToken"])
    assert "event00" in ids(calendar_api.get(f"{calendar_path}/events", params={"syncToken": token}))


def test_a_sync_shows_changed_and_deleted_events(calendar_api: ApiClient, calendar_path: str) -> None:
    fill(calendar_api, calendar_path, 4)
    _, token = all_pages(calendar_api, f"{calendar_path}/events")
    assert ids(calendar_api.get(f"{calendar_path}/events", params={"syncToken": token})) == []
    calendar_api.patch(f"{calendar_path}/events/event02", json={"summary": "Changed"})
    calendar_api.delete(f"{calendar_path}/events/event01")
    changes = calendar_api.get(f"{calendar_path}/events", params={"syncToken": token}).json()
    assert [(e["id"], e["status"]) for e in changes["items"]] == [("event02", "confirmed"), ("event01", "cancelled")]
    assert ids(calendar_api.get(f"{calendar_path}/events", params={"syncToken": changes["nextSyncToken"]})) == []


def test_an_incremental_sync_has_pages_too(calendar_api: ApiClient, calendar_path: str) -> None:
    _, token = all_pages(calendar_api, f"{calendar_path}/events")
    fill(calendar_api, calendar_path, 5)
    seen, later = all_pages(calendar_api, f"{calendar_path}/events", syncToken=token, maxResults=2)
    assert (len(seen), bool(later)) == (5, True)


def test_a_windowed_sync_keeps_its_window(calendar_api: ApiClient, calendar_path: str) -> None:
    window = {"timeMin": "2026-12-03T00:00:00Z", "timeMax": "2026-12-05T00:00:00Z"}
    fill(calendar_api, calendar_path, 6)
    seen, token = all_pages(calendar_api, f"{calendar_path}/events", **window)
    assert seen == ["event02", "event03"]
    for name in ("event00", "event02"):
        calendar_api.patch(f"{calendar_path}/events/{name}", json={"summary": "Changed"})
    assert ids(calendar_api.get(f"{calendar_path}/events", params={"syncToken": token})) == ["event02"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("iCalUID", "x"), ("orderBy", "updated"), ("privateExtendedProperty", "a=b"), ("q", "x"),
        ("sharedExtendedProperty", "a=b"), ("timeMin", "2026-12-01T00:00:00Z"), ("timeMax", "2026-12-01T00:00:00Z"),
        ("updatedMin", "2026-12-01T00:00:00Z"), ("showDeleted", "false"),
    ],
)  # fmt: skip
def test_a_sync_token_does_not_go_with_filters(
    calendar_api: ApiClient, calendar_path: str, name: str, value: str
) -> None:
    _, token = all_pages(calendar_api, f"{calendar_path}/events")
    response = calendar_api.get(f"{calendar_path}/events", params={"syncToken": token, name: value})
    assert reason(response) == (400, "invalid")
    assert response.json()["error"]["errors"][0]["location"] == name


def test_a_token_of_another_calendar_needs_a_full_sync(calendar_api: ApiClient, calendar_path: str) -> None:
    _, token = all_pages(calendar_api, f"{calendar_path}/events")
    response = calendar_api.get("/calendars/primary/events", params={"syncToken": token})
    assert reason(response) == (410, "fullSyncRequired")
    assert response.json()["error"]["errors"][0]["location"] == "syncToken"
    assert reason(calendar_api.get(f"{calendar_path}/events", params={"syncToken": "rubbish!"})) == (400, "invalid")


def test_a_window_holds_what_touches_it(calendar_api: ApiClient, calendar_path: str) -> None:
    fill(calendar_api, calendar_path, 4)
    window = {"timeMin": "2026-12-02T10:59:59Z", "timeMax": "2026-12-03T10:00:01Z"}
    assert ids(calendar_api.get(f"{calendar_path}/events", params=window)) == ["event01", "event02"]
    outside = {"timeMin": "2026-12-02T11:00:00Z", "timeMax": "2026-12-03T10:00:00Z"}
    assert ids(calendar_api.get(f"{calendar_path}/events", params=outside)) == []
    assert ids(calendar_api.get(f"{calendar_path}/events", params={"timeMin": "2026-12-03T00:00:00Z"})) == [
        "event02",
        "event03",
    ]
    empty = {"timeMin": "2026-12-03T00:00:00Z", "timeMax": "2026-12-03T00:00:00Z"}
    assert reason(calendar_api.get(f"{calendar_path}/events", params=empty)) == (400, "timeRangeEmpty")


def test_deleted_events_are_listed_only_on_request(calendar_api: ApiClient, calendar_path: str) -> None:
    fill(calendar_api, calendar_path, 2)
    calendar_api.delete(f"{calendar_path}/events/event00")
    assert ids(calendar_api.get(f"{calendar_path}/events")) == ["event01"]
    assert set(ids(calendar_api.get(f"{calendar_path}/events", params={"showDeleted": "true"}))) == {
        "event00",
        "event01",
    }


def test_properties_filter_and_all_of_them_must_match(calendar_api: ApiClient, calendar_path: str) -> None:
    for name, private in (("fir5t", {"a": "1", "b": "2"}), ("5econd", {"a": "1"})):
        properties = {"private": private, "shared": {"kind": name}}
        calendar_api.post(f"{calendar_path}/events", json=timed(id=name, extendedProperties=properties))
    one, both = {"privateExtendedProperty": "a=1"}, {"privateExtendedProperty": ["a=1", "b=2"]}
    assert len(ids(calendar_api.get(f"{calendar_path}/events", params=one))) == 2
    assert ids(calendar_api.get(f"{calendar_path}/events", params=both)) == ["fir5t"]
    assert len(ids(calendar_api.get(f"{calendar_path}/events", params={"sharedExtendedProperty": "kind=5econd"}))) == 1


def test_text_is_found_in_titles_places_and_descriptions(calendar_api: ApiClient, calendar_path: str) -> None:
    calendar_api.post(f"{calendar_path}/events", json=timed(id="title", summary="Whale safari"))
    calendar_api.post(f"{calendar_path}/events", json=timed(id="place", summary="x", location="Whale pier"))
    assert sorted(ids(calendar_api.get(f"{calendar_path}/events", params={"q": "whale"}))) == ["place", "title"]
    assert ids(calendar_api.get(f"{calendar_path}/events", params={"q": "whale safari"})) == ["title"]


def test_updated_min_shows_later_changes_and_deletions(
    calendar_api: ApiClient, calendar_path: str, clock: SettableClock
) -> None:
    fill(calendar_api, calendar_path, 2)
    clock.advance(timedelta(minutes=1))
    since = {"updatedMin": clock.now.isoformat()}
    calendar_api.delete(f"{calendar_path}/events/event01")
    assert ids(calendar_api.get(f"{calendar_path}/events", params=since)) == ["event01"]
    too_long_ago = {"updatedMin": (clock.now - timedelta(days=31)).isoformat()}
    assert reason(calendar_api.get(f"{calendar_path}/events", params=too_long_ago)) == (410, "updatedMinTooLongAgo")


@pytest.mark.parametrize(
    ("name", "value"),
    [("maxResults", "0"), ("maxResults", "x"), ("orderBy", "size"), ("showDeleted", "maybe"), ("timeMin", "today"),
     ("pageToken", "rubbish!"), ("timeZone", "Mars/Base"), ("orderBy", "startTime")],
)  # fmt: skip
def test_bad_parameters_are_named(calendar_api: ApiClient, calendar_path: str, name: str, value: str) -> None:
    response = calendar_api.get(f"{calendar_path}/events", params={name: value})
    assert response.status_code == 400
    assert (
        response.json()["error"]["errors"][0] | {"location": name, "locationType": "parameter"}
        == (response.json()["error"]["errors"][0])
    )


def test_a_page_is_cut_to_googles_cap(calendar_api: ApiClient, calendar_path: str) -> None:
    fill(calendar_api, calendar_path, 1)
    assert ids(calendar_api.get(f"{calendar_path}/events", params={"maxResults": 100_000})) == ["event00"]
