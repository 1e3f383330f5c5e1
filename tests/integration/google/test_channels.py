"""Channels by which the local Google rings."""

from collections.abc import Iterator
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
def receiver() -> Iterator[PushReceiver]:
    receiver = PushReceiver()
    yield receiver
    receiver.close()


@pytest.fixture
def family(empty_world: AdapterHarness) -> str:
    """A calendar of the merchant's own."""
    return empty_world.create_calendar_by_hand(summary="Family")


def channels_of(world: AdapterHarness) -> GoogleChannels:
    return GoogleChannels(world.services)


def edit(world: AdapterHarness, calendar_id: str) -> None:
    """Something changes in the calendar by hand."""
    event = {"summary": "Doctor", "start": {"date": "2027-07-01"}, "end": {"date": "2027-07-02"}}
    address = f"/sandbox/accounts/{EMAIL}/calendars/{calendar_id}/events"
    world.controls.post(address, json=event).raise_for_status()


def heard(receiver: PushReceiver, channel: NewChannel) -> list[str]:
    mine = [message for message in receiver.heard if message["x-goog-channel-id"] == channel.id]
    assert {message["x-goog-channel-token"] for message in mine} <= {channel.token}
    return [message["x-goog-resource-state"] for message in mine]


def test_an_open_channel_rings_with_its_token_and_ends_in_two_days(
    empty_world: AdapterHarness, family: str, receiver: PushReceiver
) -> None:
    opened = channels_of(empty_world).open("c-1", family, FIRST, receiver.address)
    assert abs(opened.expires_at - datetime.now(UTC) - CHANNEL_LIFETIME) < timedelta(minutes=1)
    edit(empty_world, family)
    wait_until(lambda: heard(receiver, FIRST) == ["sync", "exists"])
    assert set(receiver.bodies) == {b""}


def test_a_stopped_channel_is_silent_while_its_successor_rings(
    empty_world: AdapterHarness, family: str, receiver: PushReceiver
) -> None:
    channels = channels_of(empty_world)
    first = channels.open("c-1", family, FIRST, receiver.address)
    channels.open("c-1", family, SECOND, receiver.address)
    wait_until(lambda: heard(receiver, FIRST) == heard(receiver, SECOND) == ["sync"])
    channels.stop("c-1", FIRST.id, first.resource_id)
    edit(empty_world, family)
    wait_until(lambda: heard(receiver, SECOND) == ["sync", "exists"])
    assert heard(receiver, FIRST) == ["sync"]


def test_stopping_a_channel_that_is_gone_is_fine(
    empty_world: AdapterHarness, family: str, receiver: PushReceiver
) -> None:
    channels = channels_of(empty_world)
    opened = channels.open("c-1", family, FIRST, receiver.address)
    for _ in range(2):
        channels.stop("c-1", FIRST.id, opened.resource_id)
    channels.stop("c-1", "never-opened", "nothing")
    assert empty_world.calls()["channels.stop"] == 3


def test_a_calendar_that_google_fills_itself_never_rings(empty_world: AdapterHarness, receiver: PushReceiver) -> None:
    empty_world.create_calendar_by_hand(summary="Holidays", id=HOLIDAYS, accessRole="reader")
    with pytest.raises(PushRefused) as raised:
        channels_of(empty_world).open("c-1", HOLIDAYS, FIRST, receiver.address)
    assert raised.value.reason == "pushNotSupportedForRequestedResource"
    assert HOLIDAYS not in str(raised.value)


def test_an_address_that_is_not_https_names_the_setting_to_mend(empty_world: AdapterHarness, family: str) -> None:
    with pytest.raises(Transient, match="SLOTSYNC_PUBLIC_URL must be https") as raised:
        channels_of(empty_world).open("c-1", family, FIRST, "http://slotsync.example.com/google/push")
    assert raised.value.delay
    assert "slotsync.example.com" not in str(raised.value)


def test_an_id_opens_one_channel_only(empty_world: AdapterHarness, family: str, receiver: PushReceiver) -> None:
    channels = channels_of(empty_world)
    channels.open("c-1", family, FIRST, receiver.address)
    with pytest.raises(Exists):
        channels.open("c-1", family, FIRST, receiver.address)


def test_a_channel_may_live_though_its_answer_was_lost(
    empty_world: AdapterHarness, family: str, receiver: PushReceiver
) -> None:
    empty_world.fault("events.watch", "lost_response")
    with pytest.raises(GoogleError):
        channels_of(empty_world).open("c-1", family, FIRST, receiver.address)
    wait_until(lambda: heard(receiver, FIRST) == ["sync"])


def test_a_calendar_that_is_gone_cannot_be_watched(empty_world: AdapterHarness, receiver: PushReceiver) -> None:
    with pytest.raises(NotFound):
        channels_of(empty_world).open("c-1", "nowhere", FIRST, receiver.address)


def test_a_merchant_who_left_cannot_be_watched(
    empty_world: AdapterHarness, family: str, receiver: PushReceiver
) -> None:
    empty_world.revoke()
    with pytest.raises(GrantLost):
        channels_of(empty_world).open("c-1", family, FIRST, receiver.address)


def test_without_push_the_grant_does_not_cover_channels(empty_world: AdapterHarness, receiver: PushReceiver) -> None:
    scopes = [scope for scope in wanted_scopes(push=False) if not scope.endswith("app.created")]
    empty_world.connect("strict", EMAIL, scopes)
    with pytest.raises(ScopeMissing):
        channels_of(empty_world).open("strict", EMAIL, FIRST, receiver.address)


@pytest.mark.parametrize(
    ("told", "expires_at"),
    [
        ({"expiration": "1795348800123"}, datetime(2026, 11, 22, 12, 0, 0, 123000, tzinfo=UTC)),
        ({}, NOON + CHANNEL_LIFETIME),
    ],
)
def test_a_channel_ends_when_google_says_and_else_when_it_was_asked_to(
    answering: AnsweringServer, answered: GoogleServices, told: dict[str, str], expires_at: datetime
) -> None:
    answering.reply = Answer.of(200, {"kind": "api#channel", "id": FIRST.id, "resourceId": "r", **told})
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
def test_google_is_told_an_address_only_where_it_may_and_can_tell(
    public_url: str, *, push: bool, address: str | None
) -> None:
    settings = settings_at("http://127.0.0.1:9").model_copy(
        update={"public_url": public_url.rstrip("/"), "google_push": push}
    )
    assert push_address(settings) == address


def test_a_token_is_not_shown_where_a_channel_is() -> None:
    assert FIRST.token not in repr(FIRST) + str(FIRST)
