"""Channels for push notifications."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from tests.support.google_clients.calendar_client import CalendarClient, refused

if TYPE_CHECKING:
    from googleapiclient._apis.calendar.v3.schemas import Channel


@pytest.fixture
def channel() -> Channel:
    """A channel with an address that does not answer."""
    return {"id": uuid4().hex, "type": "web_hook", "address": "https://push.invalid/google", "token": "secret"}


def test_a_watch_opens_a_channel_and_stop_closes_it(client: CalendarClient, calendar_id: str, channel: Channel) -> None:
    opened = client.watch_events(calendar_id, channel)
    assert (opened["kind"], opened["id"], opened["token"]) == ("api#channel", channel["id"], "secret")
    assert opened["resourceId"]
    assert "/events" in opened["resourceUri"]
    assert int(opened["expiration"]) > 0
    client.stop_channel(opened)


def test_channels_of_one_calendar_share_the_resource(
    client: CalendarClient, calendar_id: str, channel: Channel
) -> None:
    first = client.watch_events(calendar_id, channel)
    second = client.watch_events(calendar_id, {**channel, "id": uuid4().hex})
    assert first["resourceId"] == second["resourceId"]


def test_a_channel_id_is_used_once(client: CalendarClient, calendar_id: str, channel: Channel) -> None:
    client.watch_events(calendar_id, channel)
    with refused(400, "channelIdNotUnique"):
        client.watch_events(calendar_id, channel)


def test_an_address_must_be_https(client: CalendarClient, calendar_id: str, channel: Channel) -> None:
    with refused(400, "push.webhookUrlNotHttps"):
        client.watch_events(calendar_id, {**channel, "address": "http://push.invalid/google"})


def test_a_calendar_that_never_was_cannot_be_watched(client: CalendarClient, channel: Channel) -> None:
    with refused(404, "notFound"):
        client.watch_events("nobody@group.calendar.google.com", channel)


def test_a_channel_that_was_never_opened_cannot_be_stopped(client: CalendarClient) -> None:
    with refused(404, "notFound"):
        client.stop_channel({"id": uuid4().hex, "resourceId": "nothing"})
