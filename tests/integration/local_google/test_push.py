"""Notification channels, with a real receiver."""

from datetime import timedelta

import httpx
import pytest

from tests.support.clocks import SettableClock
from tests.support.local_google import ANNA, ApiClient, SignIn, reason, timed
from tests.support.push_receiver import PushReceiver
from tests.support.waiting import wait_until


def watch(calendar_api: ApiClient, path: str, push_receiver: PushReceiver, **more: object) -> httpx.Response:
    body = {"id": "channel-1", "type": "web_hook", "address": push_receiver.address, "token": "secret"} | more
    return calendar_api.post(f"{path}/watch", json=body)


def test_a_channel_starts_with_sync_and_then_sends_changes(
    calendar_api: ApiClient, calendar_path: str, push_receiver: PushReceiver, clock: SettableClock
) -> None:
    channel = watch(calendar_api, f"{calendar_path}/events", push_receiver).json()
    wait_until(lambda: push_receiver.states() == ["sync"])
    calendar_api.post(f"{calendar_path}/events", json=timed())
    wait_until(lambda: push_receiver.states() == ["sync", "exists"])
    week = round((clock.now + timedelta(days=7)).timestamp() * 1000)
    assert (
        channel.items()
        >= {"kind": "api#channel", "id": "channel-1", "token": "secret", "expiration": str(week)}.items()
    )
    first, second = push_receiver.received
    assert first["x-goog-message-number"] == "1"
    assert int(second["x-goog-message-number"]) > 1
    assert second["x-goog-channel-id"] == "channel-1"
    assert second["x-goog-channel-token"] == "secret"
    assert second["x-goog-resource-id"] == channel["resourceId"]
    assert second["x-goog-resource-uri"] == channel["resourceUri"]
    assert second["x-goog-channel-expiration"].endswith("GMT")
    assert second["user-agent"].startswith("APIs-Google")
    assert set(push_receiver.bodies) == {b""}


def test_a_channel_gets_only_changes_of_its_calendar(
    calendar_api: ApiClient, calendar_path: str, push_receiver: PushReceiver
) -> None:
    watch(calendar_api, f"{calendar_path}/events", push_receiver)
    wait_until(lambda: push_receiver.states() == ["sync"])
    calendar_api.post("/calendars/primary/events", json=timed())
    calendar_api.post("/calendars", json={"summary": "Another"})
    calendar_api.post(f"{calendar_path}/events", json=timed())
    wait_until(lambda: len(push_receiver.received) == 2)
    assert push_receiver.received[1]["x-goog-message-number"] == "2"


def test_the_calendar_list_can_be_watched(calendar_api: ApiClient, push_receiver: PushReceiver) -> None:
    watch(calendar_api, "/users/me/calendarList", push_receiver)
    wait_until(lambda: push_receiver.states() == ["sync"])
    calendar_api.post("/calendars", json={"summary": "New"})
    wait_until(lambda: push_receiver.states() == ["sync", "exists"])


def test_edits_by_hand_are_pushed_too(
    calendar_api: ApiClient, controls_http: httpx.Client, push_receiver: PushReceiver
) -> None:
    watch(calendar_api, "/calendars/primary/events", push_receiver)
    controls_http.post(f"/accounts/{ANNA}/calendars/primary/events", json=timed())
    wait_until(lambda: push_receiver.states() == ["sync", "exists"])


def test_nothing_is_pushed_of_a_calendar_that_is_out_of_reach(
    calendar_api: ApiClient, calendar_path: str, push_receiver: PushReceiver, controls_http: httpx.Client
) -> None:
    watch(calendar_api, f"{calendar_path}/events", push_receiver)
    by_hand = f"/accounts/{ANNA}{calendar_path}"
    for role in ("none", "reader"):
        controls_http.patch(f"{by_hand}/access", json={"role": role})
        controls_http.post(f"{by_hand}/events", json=timed())
    wait_until(lambda: len(push_receiver.received) == 2)
    assert push_receiver.received[1]["x-goog-message-number"] == "2"


def test_a_channel_follows_the_account_to_its_new_address(
    calendar_api: ApiClient, push_receiver: PushReceiver, controls_http: httpx.Client
) -> None:
    watch(calendar_api, "/calendars/primary/events", push_receiver)
    wait_until(lambda: push_receiver.states() == ["sync"])
    controls_http.patch(f"/accounts/{ANNA}", json={"email": "berg@example.com"})
    calendar_api.post("/calendars/primary/events", json=timed())
    wait_until(lambda: push_receiver.states() == ["sync", "exists"])


def test_a_receiver_that_is_down_gets_the_message_later(
    calendar_api: ApiClient, calendar_path: str, push_receiver: PushReceiver
) -> None:
    push_receiver.statuses = [503, 500, 502]
    watch(calendar_api, f"{calendar_path}/events", push_receiver)
    wait_until(lambda: push_receiver.states() == ["sync"] * 4)
    assert {message["x-goog-message-number"] for message in push_receiver.received} == {"1"}


def test_a_refused_message_is_not_sent_again(
    calendar_api: ApiClient, calendar_path: str, push_receiver: PushReceiver
) -> None:
    push_receiver.statuses = [404]
    watch(calendar_api, f"{calendar_path}/events", push_receiver)
    wait_until(lambda: push_receiver.states() == ["sync"])
    calendar_api.post(f"{calendar_path}/events", json=timed())
    wait_until(lambda: len(push_receiver.received) == 2)
    assert push_receiver.states() == ["sync", "exists"]


def test_a_burst_while_the_receiver_is_down_is_one_message_in_the_end(
    calendar_api: ApiClient, calendar_path: str, push_receiver: PushReceiver
) -> None:
    watch(calendar_api, f"{calendar_path}/events", push_receiver)
    wait_until(lambda: push_receiver.states() == ["sync"])
    push_receiver.statuses = [503] * 4
    for _ in range(10):
        calendar_api.post(f"{calendar_path}/events", json=timed())
    wait_until(lambda: push_receiver.received[-1]["x-goog-message-number"] == "11")
    numbers = [int(message["x-goog-message-number"]) for message in push_receiver.received]
    assert numbers == sorted(numbers)
    assert len(set(numbers)) < 11


def test_a_channel_gets_messages_while_one_with_its_id_from_before_a_reset_still_retries(
    calendar_api: ApiClient, sign_in: SignIn, controls_http: httpx.Client, push_receiver: PushReceiver
) -> None:
    push_receiver.statuses = [503] * 100
    watch(calendar_api, "/calendars/primary/events", push_receiver)
    wait_until(lambda: len(push_receiver.received) > 1)
    controls_http.post("/reset").raise_for_status()
    controls_http.post("/accounts", json={"email": ANNA, "time_zone": "Europe/Oslo"}).raise_for_status()
    another = PushReceiver()
    watch(sign_in("calendar"), "/calendars/primary/events", another)
    wait_until(lambda: another.states() == ["sync"])
    another.close()


def test_a_lost_push_is_a_message_less(
    calendar_api: ApiClient, calendar_path: str, controls_http: httpx.Client, push_receiver: PushReceiver
) -> None:
    watch(calendar_api, f"{calendar_path}/events", push_receiver)
    wait_until(lambda: push_receiver.states() == ["sync"])
    controls_http.post("/faults", json={"method": "events.watch", "kind": "lost_push"})
    for _ in range(2):
        calendar_api.post(f"{calendar_path}/events", json=timed())
    wait_until(lambda: len(push_receiver.received) == 2)
    assert push_receiver.received[1]["x-goog-message-number"] == "3"


def test_a_channel_is_stopped_by_its_maker_alone(
    calendar_api: ApiClient, calendar_path: str, push_receiver: PushReceiver, sign_in: SignIn
) -> None:
    channel = watch(calendar_api, f"{calendar_path}/events", push_receiver).json()
    name = {"id": channel["id"], "resourceId": channel["resourceId"]}
    other = sign_in("calendar", client_id="other")
    assert reason(other.post("/channels/stop", json=name)) == (404, "notFound")
    assert reason(calendar_api.post("/channels/stop", json=name | {"resourceId": "x"})) == (404, "notFound")
    assert calendar_api.post("/channels/stop", json=name).status_code == 204
    assert reason(calendar_api.post("/channels/stop", json=name)) == (404, "notFound")


def test_a_channel_ends_when_it_expires(
    calendar_api: ApiClient, calendar_path: str, push_receiver: PushReceiver, clock: SettableClock
) -> None:
    channel = watch(calendar_api, f"{calendar_path}/events", push_receiver, params={"ttl": "60"}).json()
    assert int(channel["expiration"]) == round((clock.now + timedelta(seconds=60)).timestamp() * 1000)
    wait_until(lambda: push_receiver.states() == ["sync"])
    clock.advance(timedelta(seconds=61))
    assert watch(calendar_api, f"{calendar_path}/events", push_receiver).status_code == 200


def test_google_may_shorten_what_was_asked_for(
    calendar_api: ApiClient, calendar_path: str, push_receiver: PushReceiver, clock: SettableClock
) -> None:
    in_a_month = round((clock.now + timedelta(days=30)).timestamp() * 1000)
    channel = watch(calendar_api, f"{calendar_path}/events", push_receiver, expiration=str(in_a_month)).json()
    assert int(channel["expiration"]) == round((clock.now + timedelta(days=7)).timestamp() * 1000)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"address": "http://platform.example/push"}, "push.webhookUrlNotHttps"),
        ({"address": "nowhere"}, "push.webhookUrlNotHttps"),
        ({"id": ""}, "required"),
        ({"id": "no spaces"}, "channelIdInvalid"),
        ({"id": "x" * 65}, "channelIdInvalid"),
        ({"type": "carrier pigeon"}, "invalid"),
        ({"token": "x" * 257}, "invalid"),
        ({"expiration": "1"}, "invalid"),
        ({"params": {"ttl": "soon"}}, "invalid"),
    ],
)
def test_a_bad_channel_is_refused(
    calendar_api: ApiClient, calendar_path: str, push_receiver: PushReceiver, change: dict[str, object], why: str
) -> None:
    assert reason(watch(calendar_api, f"{calendar_path}/events", push_receiver, **change)) == (400, why)


def test_a_channel_id_is_taken_once_in_a_project(
    calendar_api: ApiClient, calendar_path: str, push_receiver: PushReceiver, sign_in: SignIn
) -> None:
    assert watch(calendar_api, f"{calendar_path}/events", push_receiver).status_code == 200
    assert reason(watch(calendar_api, "/users/me/calendarList", push_receiver)) == (400, "channelIdNotUnique")
    other = sign_in("calendar", client_id="other")
    assert watch(other, "/users/me/calendarList", push_receiver).status_code == 200


def test_generated_calendars_cannot_be_watched(
    calendar_api: ApiClient, controls_http: httpx.Client, push_receiver: PushReceiver
) -> None:
    holidays = "en.norwegian#holiday@group.v.calendar.google.com"
    controls_http.post(
        f"/accounts/{ANNA}/calendars", json={"summary": "Holidays", "id": holidays, "accessRole": "reader"}
    )
    response = watch(
        calendar_api, "/calendars/en.norwegian%23holiday%40group.v.calendar.google.com/events", push_receiver
    )
    assert reason(response) == (400, "pushNotSupportedForRequestedResource")
