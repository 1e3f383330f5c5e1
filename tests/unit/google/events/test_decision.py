"""The decision about an event that was found in Google."""

from typing import TYPE_CHECKING

import pytest

from slotsync.domain.reservations.event import DesiredEvent
from slotsync.google.events.body import to_google
from slotsync.google.events.decision import (
    Adopt,
    Decision,
    KeepNewer,
    NextGeneration,
    Update,
    decide,
    describe_written,
)
from tests.support.desired_events import desired_event, hasher_with

if TYPE_CHECKING:
    from googleapiclient._apis.calendar.v3 import Event

OLD, PRESENT, NEW = (desired_event(version=version, summary=f"Version {version}") for version in (1, 2, 3))
FORMER, LOST, OTHERWISE = (
    PRESENT.model_copy(update={"fingerprint": fingerprint})
    for fingerprint in (
        PRESENT.content.plain_fingerprint,
        hasher_with("of a lost database").hash(PRESENT.content.plain_fingerprint),
        hasher_with().hash("of another format"),
    )
)
FOREIGN = desired_event(reservation="R-1043")
SIBLING = desired_event(item="2")


def existing(body: "Event", **changes: object) -> "Event":
    event: Event = {**body, "etag": '"7"', "id": "x"}
    event.update(changes)  # type: ignore[typeddict-item]  # the changes are what the tests are about
    return event


def stripped(**organizer: object) -> "Event":
    return existing(to_google(PRESENT), extendedProperties={}, organizer=organizer)


TABLE: list[tuple[str, "Event | None", Decision]] = [
    ("nothing there", None, NextGeneration()),
    ("our own write", existing(to_google(PRESENT)), Adopt()),
    ("our own write by a former version, with a plain fingerprint", existing(to_google(FORMER)), Adopt()),
    ("our own write with a key that was lost", existing(to_google(LOST)), Adopt()),
    ("our own write with a lost key, changed by hand", existing(to_google(LOST), summary="Mine"), Update('"7"')),
    ("our own write with another fingerprint", existing(to_google(OTHERWISE)), Update('"7"')),
    ("an older write", existing(to_google(OLD)), Update('"7"')),
    ("changed by hand", existing(to_google(PRESENT), summary="Mine"), Update('"7"')),
    ("stripped of its mark", existing(to_google(PRESENT), extendedProperties={}), Update('"7"')),
    ("stripped of its mark, and said to be ours", stripped(email="c-1", self=True), Update('"7"')),
    ("an invitation of another calendar that has its id", stripped(email="thief@example.com"), NextGeneration()),
    ("a newer write", existing(to_google(NEW)), KeepNewer()),
    ("a newer write, changed by hand", existing(to_google(NEW), summary="Mine"), KeepNewer()),
    ("deleted", existing(to_google(PRESENT), status="cancelled"), NextGeneration()),
    ("deleted at an older version", existing(to_google(OLD), status="cancelled"), NextGeneration()),
    ("deleted at a newer version", existing(to_google(NEW), status="cancelled"), KeepNewer()),
    ("only a tombstone", {"id": "x", "status": "cancelled", "etag": '"8"'}, NextGeneration()),
    ("an event of another reservation", existing(to_google(FOREIGN)), NextGeneration()),
    ("an event of another item", existing(to_google(SIBLING)), NextGeneration()),
]


@pytest.mark.parametrize(("found", "decision"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_the_found_event_decides(found: "Event | None", decision: Decision) -> None:
    assert decide(found, PRESENT) == decision


@pytest.mark.parametrize("found", [PRESENT, FORMER, LOST])
def test_an_adopted_event_has_the_fingerprint_of_today(found: DesiredEvent) -> None:
    assert describe_written(PRESENT, 0, existing(to_google(found))).fingerprint == PRESENT.fingerprint


def test_a_newer_event_keeps_its_own_fingerprint() -> None:
    assert describe_written(OLD, 0, existing(to_google(LOST))).fingerprint == LOST.fingerprint
