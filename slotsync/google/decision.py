"""What to do about an event once Google has been looked at."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slotsync.google.differences import differences
from slotsync.google.mark import Mark
from slotsync.rules.event import DesiredEvent

if TYPE_CHECKING:
    from googleapiclient._apis.calendar.v3 import Event


@dataclass(frozen=True)
class Adopt:
    """It stands as desired: an earlier write of ours arrived."""


@dataclass(frozen=True)
class Leave:
    """It shows a newer version: whoever asks is late, and must not touch it."""


@dataclass(frozen=True)
class Update:
    """It stands, and must be written again on top of this ``etag``."""

    etag: str


@dataclass(frozen=True)
class NextGeneration:
    """Nothing of ours stands under this id, and Google never frees an id: take the next one."""


Decision = Adopt | Leave | Update | NextGeneration


def decide(looked: "Event | None", desired: DesiredEvent) -> Decision:
    """The decision about what was found under the event's id; ``None`` when nothing was found.

    A deleted event with a newer version is left deleted, so that a late attempt does not bring back what a newer one
    removed. An event without any mark is ours all the same, stripped by some other program: nobody else knows its id.
    """
    if looked is None:
        return NextGeneration()
    mark = Mark.on(looked)
    if mark and not mark.is_of(desired.merchant, desired.reservation, desired.key):
        return NextGeneration()
    if mark and mark.version > desired.version:
        return Leave()
    if is_deleted(looked):
        return NextGeneration()
    return Update(looked["etag"]) if differences(looked, desired) else Adopt()


def is_deleted(event: "Event") -> bool:
    """Whether Google keeps it only as a tombstone."""
    return event.get("status") == "cancelled"
