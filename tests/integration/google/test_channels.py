"""Push channels of the local Google."""

from datetime import UTC, datetime, timedelta

import pytest

from slotsync.domain.availability.push_channels import CHANNEL_LIFETIME, NewChannel
from slotsync.domain.connections.connection import wanted_scopes
from slotsync.errors import Exists, GoogleError, GrantLost, NotFound, PushRefused, ScopeMissing, Transient
from slotsync.google.channels import GoogleChannels, push_address
from slotsync.google.service import GoogleServices
from tests.support.adapter_harness import EMAIL, AdapterHarness
from tests.support.answering_server import Answer, AnsweringServer
from tests.support.push_receiver import PushReceiver
from tests.support.settings import settings_at
from tests.support.waiting import wait_until

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOLIDAYS = "en.norwegian#holiday@group.v.calendar.google.com"
FIRST, SECOND = (NewChannel(id=f"channel-{number}", token=f"secret-{number}") for number in (1, 2))


@pytest.fixture
def family(empty_adapter: AdapterHarness) -> str:
    """A calendar of the merchant's own."""
    return empty_adapter.create_calendar_by_hand(summary="Family")


def channels_of(adapter: AdapterHarness) -> GoogleChannels:
    return GoogleChannels(adapter.services)


def edit(adapter: AdapterHarness, calendar_id: str) -> None:
    """Add an event to the calendar by hand."""
    event = {"summary": "Doctor", "start": {"date": "2027-07-01"}, "end": {"date": "2027-07-02"}}
    address = f"/sandbox/accounts/{EMAIL}/calendars/{calendar_id}/events"
    adapter.controls.post(address, json=event).raise_for_status()


def received(push_receiver: PushReceiver, channel: NewChannel) -> list[str]:
    mine = [message for message in push_receiver.received if message["x-goog-channel-id"] == channel.id]
    assert {message["x-goog-channel-token"] for message in mine} <= {channel.token}
    return [message["x-goog-resource-state"] for message in mine]


def test_an_open_channel_notifies_with_its_token_and_ends_in_two_days(
    empty_adapter: AdapterHarness, family: str, push_receiver: PushReceiver
) -> None:
    opened = channels_of(empty_adapter).open("c-1", family, FIRST, push_receiver.address)
    assert abs(opened.expires_at - datetime.now(UTC) - CHANNEL_LIFETIME) < timedelta(minutes=1)
    edit(empty_adapter, family)
    wait_until(lambda: received(push_receiver, FIRST) == ["sync", "exists"])
    assert set(push_receiver.bodies) == {b""}


def test_a_stopped_channel_is_silent_while_its_successor_notifies(
    empty_adapter: AdapterHarness, family: str, push_receiver: PushReceiver
) -> None:
    channels = channels_of(empty_adapter)
    first = channels.open("c-1", family, FIRST, push_receiver.address)
    channels.open("c-1", family, SECOND, push_receiver.address)
    wait_until(lambda: received(push_receiver, FIRST) == received(push_receiver, SECOND) == ["sync"])
    channels.stop("c-1", FIRST.id, first.resource_id)
    edit(empty_adapter, family)
    wait_until(lambda: received(push_receiver, SECOND) == ["sync", "exists"])
    assert received(push_receiver, FIRST) == ["sync"]


def test_stopping_a_missing_channel_is_no_error(
    empty_adapter: AdapterHarness, family: str, push_receiver: PushReceiver
) -> None:
    channels = channels_of(empty_adapter)
    opened = channels.open("c-1", family, FIRST, push_receiver.address)
    for _ in range(2):
        channels.stop("c-1", FIRST.id, opened.resource_id)
    channels.stop("c-1", "never-opened", "nothing")
    assert empty_adapter.calls()["channels.stop"] == 3


def test_a_calendar_that_google_fills_itself_refuses_push(
    empty_adapter: AdapterHarness, push_receiver: PushReceiver
) -> None:
    empty_adapter.create_calendar_by_hand(summary="Holidays", id=HOLIDAYS, accessRole="reader")
    with pytest.raises(PushRefused) as raised:
        channels_of(empty_adapter).open("c-1", HOLIDAYS, FIRST, push_receiver.address)
    assert raised.value.reason == "pushNotSupportedForRequestedResource"
    assert HOLIDAYS not in str(raised.value)


def test_an_address_that_is_not_https_names_the_setting_to_mend(empty_adapter: AdapterHarness, family: str) -> None:
    with pytest.raises(Transient, match="SLOTSYNC_PUBLIC_URL must be https") as raised:
        channels_of(empty_adapter).open("c-1", family, FIRST, "http://slotsync.example.com/google/push")
    assert raised.value.delay
    assert "slotsync.example.com" not in str(raised.value)


def test_an_id_opens_one_channel_only(empty_adapter: AdapterHarness, family: str, push_receiver: PushReceiver) -> None:
    channels = channels_of(empty_adapter)
    channels.open("c-1", family, FIRST, push_receiver.address)
    with pytest.raises(Exists):
        channels.open("c-1", family, FIRST, push_receiver.address)


def test_a_channel_may_be_open_although_the_answer_was_lost(
    empty_adapter: AdapterHarness, family: str, push_receiver: PushReceiver
) -> None:
    empty_adapter.fault("events.watch", "lost_response")
    with pytest.raises(GoogleError):
        channels_of(empty_adapter).open("c-1", family, FIRST, push_receiver.address)
    wait_until(lambda: received(push_receiver, FIRST) == ["sync"])


def test_a_missing_calendar_cannot_be_watched(empty_adapter: AdapterHarness, push_receiver: PushReceiver) -> None:
    with pytest.raises(NotFound):
        channels_of(empty_adapter).open("c-1", "nowhere", FIRST, push_receiver.address)


def test_a_calendar_of_a_revoked_grant_cannot_be_watched(
    empty_adapter: AdapterHarness, family: str, push_receiver: PushReceiver
) -> None:
    empty_adapter.revoke()
    with pytest.raises(GrantLost):
        channels_of(empty_adapter).open("c-1", family, FIRST, push_receiver.address)


def test_without_push_the_grant_does_not_cover_channels(
    empty_adapter: AdapterHarness, push_receiver: PushReceiver
) -> None:
    scopes = [scope for scope in wanted_scopes(push=False) if not scope.endswith("app.created")]
    empty_adapter.connect("strict", EMAIL, scopes)
    with pytest.raises(ScopeMissing):
        channels_of(empty_adapter).open("strict", EMAIL, FIRST, push_receiver.address)


@pytest.mark.parametrize(
    ("expiration", "expires_at"),
    [
        ({"expiration": "1795348800123"}, datetime(2026, 11, 22, 12, 0, 0, 123000, tzinfo=UTC)),
        ({}, NOON + CHANNEL_LIFETIME),
    ],
)
def test_a_channel_ends_when_google_says_and_else_when_it_was_asked_to(
    answering: AnsweringServer, answered: GoogleServices, expiration: dict[str, str], expires_at: datetime
) -> None:
    answering.reply = Answer.of(200, {"kind": "api#channel", "id": FIRST.id, "resourceId": "r", **expiration})
    opened = GoogleChannels(answered, clock=lambda: NOON).open("c-1", "family", FIRST, "https://slotsync.example.com")
    assert (opened.resource_id, opened.expires_at) == ("r", expires_at)


@pytest.mark.parametrize(
    ("public_url", "push", "address"),
    [
        ("https://slotsync.example.com/", True, "https://slotsync.example.com/google/push"),
        ("https://slotsync.example.com/", False, None),
        ("", True, None),
    ],
)
def test_there_is_a_push_address_only_with_push_and_a_public_url(
    public_url: str, *, push: bool, address: str | None
) -> None:
    settings = settings_at("http://127.0.0.1:9").model_copy(
        update={"public_url": public_url.rstrip("/"), "google_push": push}
    )
    assert push_address(settings) == address


def test_a_token_is_not_shown_where_a_channel_is() -> None:
    assert FIRST.token not in repr(FIRST) + str(FIRST)
