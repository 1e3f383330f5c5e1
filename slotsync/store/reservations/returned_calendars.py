"""Returned calendars: what stands in a calendar that is back is taken up again."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, case, null, or_, select, update
from sqlmodel import Session

from slotsync.domain.calendars.owner import Owner
from slotsync.domain.reservations.event import EventKey, SyncState, WrittenEvent
from slotsync.secrets import Vault
from slotsync.store.content_hashes import FINGERPRINTS
from slotsync.store.data_keys import DataKeys
from slotsync.store.database.base import Insert, Upsert, table_of
from slotsync.store.database.engine import Store
from slotsync.store.reservations.left_events import (
    EventsByKey,
    doubt_version,
    leave,
    make_due,
    take_left,
)
from slotsync.store.reservations.synced_event_rows import (
    GOOGLE_COLUMNS,
    event_key,
    google_columns,
    with_duplicate_in,
    written_in,
)
from slotsync.store.tables.reservations import ReservationRow, SyncedEventRow

_TABLE = table_of(SyncedEventRow)
_RESERVATIONS = table_of(ReservationRow)


def _on_adopt(insert: Insert) -> Insert:
    new = insert.excluded
    return insert.on_conflict_do_update(
        index_elements=_TABLE.primary_key,
        set_={
            **{column: new[column] for column in GOOGLE_COLUMNS},
            "state": new.state,
            "since": new.since,
            "last_error": null(),
        },
        where=or_(_TABLE.c.present.is_(False), _TABLE.c.calendar_id != new.calendar_id),
    )


_ADOPT = Upsert(_TABLE, _on_adopt)


class ReturnedCalendars:
    """Records what was found in calendars that are back."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store = store
        self._keys = DataKeys(vault)

    def adopt(self, merchant: str, owner: Owner, calendar_id: str, found: EventsByKey, now: datetime) -> None:
        """Record the events that were found in the owner's calendar, which is back.

        What was recorded as present in it stays; the others wait for their reservations' workflows. What was left there
        and is not found is searched for by them, and so are the events of other owners, which people dragged here.
        """
        own = {key: written for key, written in found.items() if written.key.owner == owner}
        with self._store.write() as connection:
            hasher = self._keys.for_writing(connection, merchant).get_hasher(FINGERPRINTS)
            left = take_left(connection, merchant, owner, calendar_id)
            for (reservation, _), written in {**left, **_with_duplicates(own, left)}.items():
                _leave_elsewhere(connection, merchant, reservation, written, now)
                believed = doubt_version(connection, merchant, reservation, written)
                _ADOPT.run(
                    connection,
                    **event_key(merchant, reservation, written.key),
                    **google_columns(believed) | {"fingerprint": hasher.hash(believed.fingerprint)},
                    state=SyncState.WAITING.value,
                    since=now,
                    first_format=True,  # of an event that was not known: who can say when it was written?
                )
            for reservation, key in found.keys() - own.keys():
                _search_for(connection, merchant, reservation, key, calendar_id, now)

    def carry_over(
        self, merchant: str, calendar_id: str, touched: Iterable[tuple[str, WrittenEvent]], now: datetime
    ) -> bool:
        """Have the reservations look for these events in a former calendar, since people have added something to them.

        The ones that stand get that, and these are deleted. Return whether there are any that stand.
        """
        with self._store.write() as connection:
            sought = [
                _search_for(connection, merchant, reservation, written.key, calendar_id, now)
                for reservation, written in touched
            ]
        return any(sought)


def _with_duplicates(found: EventsByKey, left: EventsByKey) -> EventsByKey:
    """Return the events that were found, with what was known of further generations of them."""
    known = {key: left[key].duplicates_in if key in left else () for key in found}
    return {
        key: each.model_copy(update={"duplicates_in": tuple(sorted({*each.duplicates_in, *known[key]}))})
        for key, each in found.items()
    }


def _leave_elsewhere(
    connection: Connection, merchant: str, reservation: str, written: WrittenEvent, now: datetime
) -> None:
    """Remember the event that stands in another calendar, which is out of reach from now on."""
    row = Session(connection).get(SyncedEventRow, tuple(event_key(merchant, reservation, written.key).values()))
    known = written_in(row, written.key) if row else None
    if known and known.present and known.calendar_id != written.calendar_id:
        leave(connection, merchant, [(reservation, known)], now, missing=False)


def _search_for(  # noqa: PLR0913, PLR0917  the event, where it is, and since when
    connection: Connection, merchant: str, reservation: str, key: EventKey, calendar_id: str, now: datetime
) -> bool:
    """Have the reservation's workflow look in this calendar for an event that does not belong there.

    Return whether it stands elsewhere.
    """
    newest = select(_RESERVATIONS.c.version).filter_by(merchant=merchant, id=reservation).scalar_subquery()
    sought = {
        "duplicates_in": with_duplicate_in(calendar_id),
        "fingerprint": "",
        # An event that was deleted is looked for at a newer version only.
        "written_version": case((_TABLE.c.present, _TABLE.c.written_version), else_=newest - 1),
    }
    own = update(_TABLE).filter_by(**event_key(merchant, reservation, key))
    if connection.execute(own.where(_TABLE.c.written_version.is_not(None)).values(sought)).rowcount:
        make_due(connection, merchant, reservation, now)
    present = select(_TABLE.c.present).filter_by(**event_key(merchant, reservation, key))
    return bool(connection.execute(present.where(_TABLE.c.calendar_id != calendar_id)).scalar())
