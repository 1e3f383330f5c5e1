"""Receipts of erasures: what was deleted, and what remains where."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from slotsync.domain.audit import WHOLE_MERCHANT
from slotsync.domain.messages import Message
from slotsync.store.database.engine import Store
from slotsync.store.reservations.left_events import LeftEventStore

ELSEWHERE: Final = (
    "Backups of the databases, until they are overwritten: erase again after a restore.",
    (
        "PostgreSQL's and Temporal's databases keep deleted rows in their files until their own clean-up (vacuum), and "
        "Temporal's tables of timers and tasks name ids until those are due."
    ),
    (
        "Temporal: the beginning of a workflow that two processes started at once, and a history that its database did "
        "not delete at the first try, or not before it was killed. They name ids, its API reaches them no more, and "
        "its own scanner deletes them after 60 days (worker.historyScannerDataMinAge)."
    ),
    (
        "The audit log: kinds and times of changes, and who erased the merchant; what else they were is encrypted with "
        "the merchant's key."
    ),
    "Logs name ids of merchants and reservations, until they are rotated.",
    "Google: what people have copied or moved to calendars that slotsync did not make.",
    (
        "Google's bin keeps deleted events for about 30 days: those that an erasure deletes without their text, if "
        "Google took that, those that were deleted before with it."
    ),
    "The platform has its own data, and what it was told.",
)
"""The remainder after every erasure."""


SQLITE_LOG: Final = (
    "SQLite's log (the file that ends in -wal) keeps what was deleted: something reads the database for long, as a "
    "backup or an export does. Run this command again once that has ended."
)
"""The remainder while a reader holds up the clean-up of the log."""

STILL_IN_TEMPORAL: Final = (
    "Temporal is still deleting workflows of it, and goes on by itself. Run this command again to see whether it has."
)
"""The remainder while Temporal lists what it was asked to delete."""

LEFT_FOR_NOW: Final = "They are deleted once the merchant connects that account again; its owner can delete them there."
LEFT_FOR_GOOD: Final = "slotsync knows them no more: the owner of that account can delete them there."


class Receipt(Message):
    """A receipt of an erasure: what it has deleted, and what remains where.

    ``rows`` counts the deleted rows by table, those of earlier runs, too; ``workflows`` the deleted runs with their
    histories. Nothing of the merchant or the reservation is stored again until ``closed_until``.
    """

    merchant: str
    reservation: str | None = None
    begun_at: datetime
    closed_until: datetime
    google: tuple[str, ...]
    rows: dict[str, int]
    workflows: int
    remains: tuple[str, ...] = ELSEWHERE


def describe_left_grant(since: datetime, problem: str) -> str:
    """Return a note on a grant that lives on at Google."""
    return (
        f"A grant that nobody has needed since {since:%Y-%m-%d %H:%M} UTC could not be revoked at Google: {problem}. "
        "The owner of the account can remove slotsync at https://myaccount.google.com/connections."
    )


def describe_left(left: LeftEventStore, merchant: str, reservation: str | None, what_follows: str) -> Sequence[str]:
    """Return notes on events in calendars of a former account, and in those that Google does not find."""
    counts = left.count(merchant, reservation)
    places = {False: "stand in calendars of a former Google account", True: "may stand in calendars not found"}
    return [
        f"{sum(each.events for each in own)} events {place} and show what they showed "
        f"({', '.join(sorted(str(each.owner) for each in own))}). {what_follows}"
        for missing, place in places.items()
        if (own := [each for each in counts if each.missing is missing])
    ]


def empty_log(store: Store) -> tuple[str, ...]:
    """Leave nothing in the database's log of the newest writes; return what remains where."""
    return ELSEWHERE if store.empty_log() else (*ELSEWHERE, SQLITE_LOG)


def describe_subject(reservation: str | None) -> str:
    """Return the subject of an erasure for the audit log."""
    return WHOLE_MERCHANT if reservation is None else f"reservation:{reservation}"
