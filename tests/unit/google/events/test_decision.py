"""What to do about an event once Google has been looked at."""

from typing import TYPE_CHECKING

import pytest

from slotsync.google.events.body import to_google
from slotsync.google.events.decision import Adopt, Decision, Leave, NextGeneration, Update, decide
from tests.support.desired_events import desired_event

if TYPE_CHECKING:
    from googleapiclient._apis.calendar.v3 import Event

OLD, PRESENT, NEW = (desired_event(version=version, summary=f"Version {version}") for version in (1, 2, 3))
STRANGER = desired_event(reservation="R-1043")
SIBLING = desired_event(item="2")


def standing(body: "Event", **changes: object) -> "Event":
    event: Event = {**body, "etag": '"7"', "id": "x"}
    event.update(changes)  # type: ignore[typeddict-item]  # the changes are what the tests are about
    return event


TABLE: list[tuple[str, "Event | None", Decision]] = [
    ("nothing there", None, NextGeneration()),
    ("our own write", standing(to_google(PRESENT)), Adopt()),
    ("an older write", standing(to_google(OLD)), Update('"7"')),
    ("changed by hand", standing(to_google(PRESENT), summary="Mine"), Update('"7"')),
    ("stripped of its mark", standing(to_google(PRESENT), extendedProperties={}), Update('"7"')),
    ("a newer write", standing(to_google(NEW)), Leave()),
    ("a newer write, changed by hand", standing(to_google(NEW), summary="Mine"), Leave()),
    ("deleted", standing(to_google(PRESENT), status="cancelled"), NextGeneration()),
    ("deleted at an older version", standing(to_google(OLD), status="cancelled"), NextGeneration()),
    ("deleted at a newer version", standing(to_google(NEW), status="cancelled"), Leave()),
    ("only a tombstone", {"id": "x", "status": "cancelled", "etag": '"8"'}, NextGeneration()),
    ("an event of another reservation", standing(to_google(STRANGER)), NextGeneration()),
    ("an event of another item", standing(to_google(SIBLING)), NextGeneration()),
]


@pytest.mark.parametrize(("looked", "decision"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_what_was_found_decides(looked: "Event | None", decision: Decision) -> None:
    assert decide(looked, PRESENT) == decision
