"""Disconnections: what happens to calendars and grant when a merchant disconnects Google."""

from collections.abc import Collection, Iterator
from enum import StrEnum
from typing import Final

from slotsync.domain.calendars.owner import Owner
from slotsync.domain.messages import Message

UNREADABLE_GRANT: Final = (
    "The access stays in Google: no key opens it, so that slotsync cannot end it. The owner of the account can remove "
    "slotsync at https://myaccount.google.com/connections."
)

SHARED_GRANT: Final = (
    "Another merchant uses the same Google account, so the access stays in Google until that merchant has "
    "disconnected, too; it is no longer used here."
)


class CalendarChoice(StrEnum):
    """The merchant's choice for the calendars that slotsync created."""

    KEEP = "keep"
    DELETE = "delete"


class DisconnectedCalendar(Message):
    """A calendar that slotsync created."""

    owner: Owner
    calendar_id: str


class Disconnection(Message):
    """A connection that is being disconnected.

    ``alive``: its grant may still work; ``shared``: another merchant connected the same Google account;
    ``unreadable``: no key opens the grant, so that it cannot be ended. ``blocked`` are the products that picked
    calendars block.
    """

    connection_id: str
    alive: bool
    shared: bool
    unreadable: bool = False
    calendars: tuple[DisconnectedCalendar, ...] = ()
    blocked: tuple[Owner, ...] = ()


class DisconnectionResult(Message):
    """The result of a disconnection, with what it left in Google; ``notes`` say it in plain words.

    ``out_of_reach`` are owners of calendars that were to be deleted, and that Google does not let slotsync reach: they
    were deleted there before, or slotsync's access to them was taken away. ``shared``: another merchant uses the same
    Google account, so that its access could not be ended. ``unblocked`` are the products of which the picked calendars
    are forgotten: they are sold without a look at the merchant's appointments.
    """

    deleted: tuple[Owner, ...] = ()
    left: tuple[Owner, ...] = ()
    out_of_reach: tuple[Owner, ...] = ()
    grant_ended: bool = False
    shared: bool = False
    unblocked: tuple[Owner, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def google_notes(self) -> tuple[str, ...]:
        """The notes on what was done in Google, and what is left there: all but that on the picked calendars."""
        deleted = ", ".join(map(str, self.deleted))
        done = (f"{len(self.deleted)} calendars were deleted, with our events ({deleted}).",) if deleted else ()
        ended = ("The access to the account was ended.",) if self.grant_ended else ()
        left = [note for note in self.notes if note not in _blocking_notes(len(self.unblocked))]
        return (*done, *ended, *left)


def disconnection_result(
    disconnection: Disconnection,
    deleted: Collection[Owner],
    wanted: CalendarChoice,
    *,
    grant_ended: bool,
    out_of_reach: Collection[Owner] = (),
) -> DisconnectionResult:
    """Return the result of a disconnection after which these calendars are deleted, and these out of reach."""
    done = {*deleted, *out_of_reach}
    left = tuple(each.owner for each in disconnection.calendars if each.owner not in done)
    calendar_notes = _calendar_notes(len(left), len(out_of_reach), wanted)
    return DisconnectionResult(
        deleted=tuple(sorted(deleted, key=str)),
        left=left,
        out_of_reach=tuple(sorted(out_of_reach, key=str)),
        grant_ended=grant_ended,
        shared=disconnection.shared,
        unblocked=disconnection.blocked,
        notes=(
            *calendar_notes,
            *_blocking_notes(len(disconnection.blocked)),
            *_grant_notes(disconnection, ended=grant_ended),
        ),
    )


def _calendar_notes(left: int, out_of_reach: int, wanted: CalendarChoice) -> Iterator[str]:
    if left and wanted is CalendarChoice.KEEP:
        yield f"{left} calendars stay in Google Calendar, as asked; slotsync no longer updates them."
    elif left:
        yield (
            f"{left} calendars stay in Google Calendar, because they hold events of your own or could not be reached. "
            "Delete them there if you do not need them."
        )
    if out_of_reach:
        yield (
            f"{out_of_reach} calendars are out of reach: they were deleted in Google before, or slotsync's access to "
            "them was taken away. If they are still in Google Calendar, delete them there."
        )


def _blocking_notes(unblocked: int) -> Iterator[str]:
    if unblocked:
        yield (
            f"The picked calendars of {unblocked} products are forgotten: these are now sold without a look at the "
            "merchant's appointments. Pick calendars again once Google is connected again."
        )


def _grant_notes(disconnection: Disconnection, *, ended: bool) -> Iterator[str]:
    if disconnection.shared:
        yield SHARED_GRANT
    elif disconnection.unreadable:
        yield UNREADABLE_GRANT
    elif disconnection.alive and not ended:
        yield (
            "Google has not ended the access yet; slotsync tries again until it has. You can also remove slotsync at "
            "https://myaccount.google.com/connections yourself."
        )
