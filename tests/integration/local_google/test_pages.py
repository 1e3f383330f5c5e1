"""The week page: what is shown, where, and beside it."""

import re
from collections.abc import Callable

import httpx
import pytest

from localgoogle.server import RunningLocalGoogle
from tests.support.local_google import ANNA, ApiClient, timed
from tests.support.week_view import WeekView

ShowWeek = Callable[..., WeekView]
DETAILS: dict[str, object] = {
    "description": "Reservation R-1042\n<b>two</b> kayaks",
    "location": "Pier 3",
    "status": "tentative",
    "extendedProperties": {"private": {"slotsync_version": "3"}},
    "source": {"url": "https://booking.example.com/R-1042", "title": "R-1042"},
}


@pytest.fixture
def show_week(local_google: RunningLocalGoogle) -> ShowWeek:
    """Requests the page with these parameters, by default the week of 2026-11-30."""

    def show_week(path: str = "/", **parameters: str) -> WeekView:
        query = {"account": ANNA, "week": "2026-11-30", **parameters} if path == "/" else parameters
        return WeekView(httpx.get(local_google.url + path, params=query or None, follow_redirects=True))

    return show_week


@pytest.fixture
def book(calendar_api: ApiClient, calendar_path: str) -> Callable[[dict[str, object]], dict[str, object]]:
    """Creates an event in the calendar."""

    def book(body: dict[str, object]) -> dict[str, object]:
        answer = calendar_api.post(f"{calendar_path}/events", json=body)
        assert answer.status_code == 200, answer.text
        made: dict[str, object] = answer.json()
        return made

    return book


Book = Callable[[dict[str, object]], dict[str, object]]


def whole_days(summary: str, first: str, after: str, **more: object) -> dict[str, object]:
    return {"summary": summary, "start": {"date": first}, "end": {"date": after}, **more}


def by_hand(controls_http: httpx.Client, body: dict[str, object]) -> None:
    answer = controls_http.post(f"/accounts/{ANNA}/calendars/primary/events", json=body)
    assert answer.status_code == 201, answer.text


def test_a_timed_event_stands_at_its_hour_in_the_accounts_zone(show_week: ShowWeek, book: Book) -> None:
    book(timed("2026-12-01T10:00:00Z", "2026-12-01T11:30:00Z", summary="Sunset tour"))
    event = show_week().event("Sunset tour")
    assert (event.kind, event.day) == ("block", 1)
    assert event.label == "Sunset tour, Tue 1 Dec 2026, 11:00 – 12:30, Sunset tour"  # noqa: RUF001  # as the page writes it
    assert (event.number("--from"), event.number("--minutes")) == ((11 - 7) * 60, 90)


def test_a_stay_is_a_bar_across_its_days(show_week: ShowWeek, book: Book) -> None:
    book(whole_days("Silva", "2026-12-02", "2026-12-05"))
    book(whole_days("Jansen", "2026-11-20", "2026-12-20"))
    week = show_week()
    assert week.event("Jansen").place == "1 / 1 / auto / span 7"
    assert week.event("Silva").place == "2 / 3 / auto / span 3"


def test_stays_that_follow_each_other_share_a_row(show_week: ShowWeek, book: Book) -> None:
    book(whole_days("First", "2026-11-30", "2026-12-02"))
    book(whole_days("Second", "2026-12-02", "2026-12-04"))
    week = show_week()
    assert week.event("First").place == "1 / 1 / auto / span 2"
    assert week.event("Second").place == "1 / 3 / auto / span 2"


def test_overlapping_events_stand_side_by_side(show_week: ShowWeek, book: Book) -> None:
    book(timed("2026-12-01T10:00:00Z", "2026-12-01T12:00:00Z", summary="Long"))
    book(timed("2026-12-01T11:00:00Z", "2026-12-01T13:00:00Z", summary="Late"))
    book(timed("2026-12-01T12:00:00Z", "2026-12-01T13:00:00Z", summary="Next"))
    book(timed("2026-12-01T13:00:00Z", "2026-12-01T14:00:00Z", summary="Alone"))
    week = show_week()
    places = {e.title: (e.number("--column"), e.number("--columns")) for e in week.events}
    assert places == {"Long": (0, 2), "Late": (1, 2), "Next": (0, 2), "Alone": (0, 1)}


def test_an_event_over_midnight_shows_on_both_days(show_week: ShowWeek, book: Book) -> None:
    book(timed("2026-12-01T22:00:00Z", "2026-12-02T00:30:00Z", summary="Night tour"))
    blocks = [(e.day, e.number("--minutes")) for e in show_week().events]
    assert blocks == [(1, 60), (2, 90)]


def test_the_hour_that_is_skipped_and_the_hour_that_comes_twice(show_week: ShowWeek, book: Book) -> None:
    book(timed("2027-03-28T00:30:00Z", "2027-03-28T01:30:00Z", summary="Spring"))
    book(timed("2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", summary="Autumn"))
    spring = show_week(week="2027-03-28").event("Spring")
    autumn = show_week(week="2026-10-25").event("Autumn")
    assert (spring.day, spring.number("--from"), spring.number("--minutes")) == (6, 30, 120)
    assert (autumn.day, autumn.number("--from"), autumn.number("--minutes")) == (6, 30, 60)
    assert "01:30 – 03:30" in spring.label  # noqa: RUF001  # as the page writes it


def test_tentative_is_shown_and_cancelled_is_not(
    show_week: ShowWeek, book: Book, calendar_api: ApiClient, calendar_path: str
) -> None:
    book(whole_days("Maybe", "2026-12-01", "2026-12-02", status="tentative"))
    gone = book(whole_days("Gone", "2026-12-01", "2026-12-02"))
    calendar_api.delete(f"{calendar_path}/events/{gone['id']}")
    week = show_week()
    assert week.titles() == ["Maybe"]
    assert week.event("Maybe").tentative


def test_a_click_shows_everything_about_an_event(show_week: ShowWeek, book: Book) -> None:
    made = book(timed(summary="Sunset tour") | DETAILS)
    week = show_week()
    panel = show_week(week.event("Sunset tour").href).panel
    for text in ("Tue 1 Dec 2026, 11:00", "Europe/Oslo", "Pier 3", "tentative", "slotsync_version", str(made["id"])):
        assert text in panel
    assert str(made["etag"]).strip('"') in panel


def test_a_deleted_event_that_is_open_says_so(
    show_week: ShowWeek, book: Book, calendar_api: ApiClient, calendar_path: str
) -> None:
    made = book(timed(summary="Sunset tour"))
    opened = show_week().event("Sunset tour").href
    calendar_api.delete(f"{calendar_path}/events/{made['id']}")
    assert "This event is deleted." in show_week(opened).panel


def test_the_link_of_an_event_leads_to_it(book: Book) -> None:
    made = book(timed(summary="Sunset tour"))
    week = WeekView(httpx.get(str(made["htmlLink"]), follow_redirects=True))
    assert week.event("Sunset tour").day == 1
    assert str(made["id"]) in week.panel


def test_what_people_write_is_text_and_never_markup(
    show_week: ShowWeek, book: Book, controls_http: httpx.Client
) -> None:
    evil = '"><script>alert(1)</script>'
    controls_http.post(f"/accounts/{ANNA}/calendars", json={"summary": evil})
    book(timed(summary=evil, description=evil, location=evil, extendedProperties={"private": {evil: evil}}))
    week = show_week(show_week().event(evil).href)
    assert "<script>alert" not in week.html
    assert week.event(evil).label.startswith(evil)


def test_a_colour_that_is_none_reaches_no_style(
    show_week: ShowWeek, book: Book, calendar_api: ApiClient, calendar_path: str
) -> None:
    book(timed(summary="Tour"))
    listed = calendar_path.replace("/calendars/", "/users/me/calendarList/")
    colours = {"backgroundColor": "red; x", "foregroundColor": "#000000"}
    calendar_api.patch(listed, params={"colorRgbFormat": "true"}, json=colours)
    assert re.fullmatch("#[0-9a-f]{6}", show_week().event("Tour").style["--colour"])


def test_the_source_of_an_event_is_a_link(show_week: ShowWeek, book: Book) -> None:
    book(timed(summary="Tour", source={"url": "https://booking.example.com/1", "title": "x"}))
    assert 'href="https://booking.example.com/1"' in show_week(show_week().event("Tour").href).html


def test_three_hundred_stays_are_cut_and_counted_and_all_can_be_seen(
    show_week: ShowWeek, controls_http: httpx.Client
) -> None:
    for number in range(300):
        by_hand(
            controls_http, whole_days(f"Guest {number}", f"2026-12-0{1 + number % 5}", f"2026-12-0{3 + number % 5}")
        )
    week = show_week()
    assert 0 < len(week.events) < 150
    hidden = [int(count) for count in re.findall(r"\+ (\d+) more", week.html)]
    columns = sum(int(event.place.rpartition(" ")[2]) for event in week.events)
    assert sum(hidden) + columns == 300 * 2
    everything = show_week(week.links["Show all 300"])
    assert len(everything.events) == 300
    assert "more</a>" not in everything.html
    day = show_week(day="2026-12-02")
    assert len(set(re.findall(r"Guest \d+", day.panel))) == 120


def test_unticked_calendars_are_hidden(show_week: ShowWeek, book: Book, controls_http: httpx.Client) -> None:
    book(timed(summary="Of the app"))
    by_hand(controls_http, timed(summary="Of Anna"))
    week = show_week()
    assert set(week.titles()) == {"Of the app", "Of Anna"}
    only = re.search(r'href="([^"]*)" aria-label="Only Sunset tour', week.html)
    assert only
    assert show_week(only[1].replace("&amp;", "&")).titles() == ["Of the app"]
    assert show_week(choose="1").titles() == []


def test_an_empty_week_leads_to_the_nearest_events(show_week: ShowWeek, book: Book) -> None:
    book(timed(summary="Sunset tour"))
    empty = show_week(week="2025-01-01")
    assert empty.titles() == []
    assert show_week(empty.links["Go to the week of November 30, 2026"]).titles() == ["Sunset tour"]


def test_the_page_opens_on_this_week(local_google: RunningLocalGoogle) -> None:
    today = local_google.google.clock().date()
    html = httpx.get(local_google.url).text
    heading = re.search(r"<h1>(.*) <small>Week (\d+)</small></h1>", html)
    assert heading
    assert f"{today:%b}" in heading[1]
    assert int(heading[2]) == today.isocalendar().week
    assert 'class="head today"' in html


@pytest.mark.parametrize("query", ["week=never", "week=9999-12-31", "event=x.y", "day=0001-01-01", "account=nobody"])
def test_an_address_that_means_nothing_still_shows_a_week(local_google: RunningLocalGoogle, query: str) -> None:
    assert httpx.get(f"{local_google.url}/?{query}").status_code == 200


def test_without_accounts_the_page_says_how_to_make_one(
    local_google: RunningLocalGoogle, controls_http: httpx.Client
) -> None:
    controls_http.post("/reset")
    assert "POST /sandbox/accounts" in httpx.get(local_google.url).text


def test_scripts_and_styles_come_from_files_of_this_server_alone(local_google: RunningLocalGoogle) -> None:
    page = httpx.get(local_google.url)
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert re.findall(r"<script[^>]*>(.*?)</script>", page.text) == [""]
    paths = re.findall(r'(?:src|href)="(/static/[^"]*)"', page.text)
    assert paths
    for path in paths:
        assert httpx.get(local_google.url + path).status_code == 200
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', page.text)
