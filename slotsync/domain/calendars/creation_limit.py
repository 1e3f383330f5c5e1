"""When a new calendar may be created: Google takes few from one account in a short time.

Google refuses for hours once about 60 were made "in a short period"; slotsync stays well below that.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from slotsync.domain.calendars.owner import Owner
from slotsync.domain.health import Blocker, Health
from slotsync.domain.messages import Message

LIMIT = 40
"""How many calendars may be made in an hour for one Google account."""

VALIDITY = timedelta(minutes=5)
"""How long a permit may be used."""

WINDOW = timedelta(hours=1) + VALIDITY
"""How long a permit counts: the calendar may be made as late as its permit ends."""


class Permit(Message):
    """The leave to make a calendar, from a moment on; ``used`` once the calendar was recorded."""

    owner: Owner
    since: datetime
    used: bool = False


class QueuePosition(Message):
    """When an owner's calendar may be made, as far as it is known now; ``position`` counts from 1."""

    position: int
    at: datetime


def queue_position(
    owner: Owner,
    waiting: Mapping[Owner, datetime | None],
    permits: Collection[Permit],
    now: datetime,
    elsewhere: Collection[datetime] = (),
) -> QueuePosition:
    """The owner's turn among those that wait for a calendar, each with its soonest open reservation.

    An owner whose permit was not used goes first, in the place that it has already: it is trying. ``elsewhere`` are
    the permits that other merchants have for the same Google account: they count, whoever they are for.
    """
    trying = {permit.owner for permit in permits if not permit.used}
    counted = [*elsewhere, *(permit.since for permit in permits if permit.used or permit.owner != owner)]
    line = [each for each in by_need(waiting) if each not in trying]
    position = 1 if owner in trying or owner not in line else line.index(owner) + 1
    return QueuePosition(position=position, at=_free(position, counted, now))


def by_need(waiting: Mapping[Owner, datetime | None]) -> list[Owner]:
    """The soonest needed first; those that no reservation needs come last."""
    needed = {owner: at for owner, at in waiting.items() if at}
    unneeded = [owner for owner in waiting if owner not in needed]
    return [*sorted(needed, key=lambda owner: (needed[owner], str(owner))), *sorted(unneeded, key=str)]


def _free(position: int, taken: Collection[datetime], now: datetime) -> datetime:
    """When the one at this position finds less than the limit before it."""
    times = sorted(taken)
    at = now
    for _ in range(position):
        if len(times) >= LIMIT:
            at = max(now, times[-LIMIT] + WINDOW)
        times.append(at)
        times.sort()
    return at


LONGEST_STAGE = timedelta(minutes=15)


def waiting_for_permit(turn: QueuePosition, now: datetime) -> Blocker:
    """Waiting for its turn to get a calendar; looked at again now and then, since who is needed sooner goes first."""
    return Blocker(health=Health.WAITING, reason="staged", look_again=min(turn.at - now, LONGEST_STAGE))
