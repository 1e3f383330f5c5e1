"""Drift of one managed calendar: found in what Google lists, by what the store wants there."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from slotsync.domain.calendars.owner import ManagedCalendar
from slotsync.domain.reservations.drift import Drift, DriftKind, FoundEvent, Place, find_drift
from slotsync.domain.reservations.event import DesiredEvent, WrittenEvent, event_id
from slotsync.domain.reservations.plan import Put, plan_event
from slotsync.errors import CalendarMissing, CalendarReadOnly
from slotsync.google.calendar_marks import CalendarSpec
from slotsync.google.events.decision import describe_shape, find_differences, is_deleted, read_marked
from slotsync.google.events.listing import EventListing, GoogleListings
from slotsync.secrets import Vault
from slotsync.store.calendars.drift_records import DriftRecords
from slotsync.store.calendars.managed_calendars import ManagedCalendars
from slotsync.store.content_hashes import Fingerprints
from slotsync.store.database.engine import Store
from slotsync.store.reservations.reservations import Reservations
from slotsync.store.reservations.synced_events import SyncedEvents

if TYPE_CHECKING:
    from googleapiclient._apis.calendar.v3 import Event

FULL_AUDIT_INTERVAL: Final = timedelta(days=30)
"""The time after which all of a calendar is looked through, though Google names what has changed."""

MAX_LOOKUPS: Final = 50
"""Calls to find out whether what is gone was dragged to another calendar. With more, it counts as deleted."""

_SHOWN: Final = ("summary", "timeZone")
"""The properties of a calendar that people see."""


@dataclass(frozen=True)
class CalendarFindings:
    """The drift of a calendar. ``right`` are the events that were looked at and have not drifted.

    Those ``unknown`` are being written, or have to be.
    """

    drifts: Sequence[Drift]
    right: frozenset[Place] = frozenset()
    unknown: frozenset[Place] = frozenset()
    complete: bool = False
    sync_token: str | None = None


@dataclass(frozen=True)
class _Found:
    """An event of a place, as its mark or its id says, and as Google shows it."""

    written: WrittenEvent
    event: "Event"


class CalendarDrift:
    """Looks for drift in managed calendars."""

    def __init__(self, store: Store, vault: Vault, google: GoogleListings) -> None:
        self._calendars = ManagedCalendars(store)
        self._events = SyncedEvents(store)
        self._fingerprints = Fingerprints(store, vault)
        self._records = DriftRecords(store)
        self._reservations = Reservations(store, vault)
        self._google = google

    def find(
        self, spec: CalendarSpec, calendar: ManagedCalendar, connection_id: str, now: datetime, *, full: bool
    ) -> CalendarFindings:
        """Return what has drifted since the last time, or with ``full`` at all.

        Raises:
            GoogleError: Google failed; the same is looked through again.
        """
        calendar_id = calendar.calendar_id
        assert calendar_id is not None
        state = self._records.get_state(spec.merchant, spec.owner, calendar_id)
        overdue = state.fully_audited_at is None or now - state.fully_audited_at > FULL_AUDIT_INTERVAL
        before = self._events.find_in(spec.merchant, calendar_id)
        try:
            shown = self._google.get_calendar(connection_id, calendar_id)
            listing = self._google.list_events(
                connection_id, calendar_id, None if full or overdue else state.sync_token
            )
        except CalendarMissing:
            return CalendarFindings([Drift(kind=DriftKind.CALENDAR_DELETED)])
        except CalendarReadOnly:
            return CalendarFindings([Drift(kind=DriftKind.ACCESS_LOWERED)])
        renamed = tuple(name for name in _SHOWN if shown.get(name) != spec.body().get(name))
        own = [Drift(kind=DriftKind.CALENDAR_RENAMED, fields=renamed)] if renamed else []
        comparison = _CalendarComparison(self, spec.merchant, connection_id, calendar_id, before, listing)
        compared = comparison.compare()
        return CalendarFindings(
            [*own, *self._find_elsewhere(spec.merchant, connection_id, calendar_id, before, compared.drifts)],
            frozenset(compared.right),
            frozenset(compared.unknown),
            complete=listing.complete and compared.settled,
            sync_token=listing.sync_token if compared.settled else None,
        )

    def find_wanted(self, merchant: str, place: Place, known: WrittenEvent) -> DesiredEvent | None:
        """Return the event as it was written, by the reservation of now.

        None if the reservation wants it otherwise by now, which its workflow writes, or if nobody knows what it showed.
        """
        reservation, key = place
        snapshot = self._reservations.get_snapshot(merchant, reservation)
        if snapshot is None:
            return None
        (calendar,) = self._calendars.get_calendars(merchant, [key.owner])
        hasher = self._fingerprints.get_hasher(merchant)
        step = plan_event(snapshot, key, calendar, known.model_copy(update={"fingerprint": ""}), hasher)
        if not isinstance(step, Put) or not hasher.matches(known.fingerprint, step.event.content.plain_fingerprint):
            return None
        return step.event.model_copy(update={"version": known.version})

    def hash_shape(self, merchant: str, text: str) -> str | None:
        """Return the hash of what people made of an event; None as long as the merchant has no key for that."""
        hasher = self._fingerprints.get_hasher(merchant)
        return hasher.hash(sha256(f"drift {text}".encode()).hexdigest()) if hasher.is_keyed else None

    def get_known(self, merchant: str, place: Place) -> WrittenEvent | None:
        """Return the event as it was last written, None if it never was."""
        return self._events.get_written_event(merchant, *place)

    def _find_elsewhere(
        self,
        merchant: str,
        connection_id: str,
        calendar_id: str,
        before: dict[Place, WrittenEvent],
        drifts: Sequence[Drift],
    ) -> list[Drift]:
        """Return the drifts, with those events that were dragged to another calendar told from deleted ones."""
        others = [each for each in self._calendars.get_ids(merchant) if each != calendar_id]
        gone = [each for each in drifts if each.kind is DriftKind.DELETED]
        if len(gone) * len(others) > MAX_LOOKUPS:
            return [*drifts]

        def follow(drift: Drift) -> Drift:
            assert drift.reservation
            assert drift.key
            known = before[drift.reservation, drift.key]
            id_ = event_id(merchant, drift.reservation, drift.key, known.generation)
            place = next((each for each in others if self._google.has_event(connection_id, each, id_)), None)
            return self.describe_dragged(merchant, drift, place) if place else drift

        return [follow(each) if each in gone else each for each in drifts]

    def describe_dragged(self, merchant: str, drift: Drift, calendar_id: str) -> Drift:
        """Return the drift of an event that people dragged to this calendar: the same, seen from there or here."""
        shape = self.hash_shape(merchant, f"in {calendar_id}")
        return drift.model_copy(update={"kind": DriftKind.MOVED_TO_CALENDAR, "shape": shape})


@dataclass
class _Compared:
    """The drifts and the other events, ``settled`` unless something was written meanwhile."""

    drifts: list[Drift] = field(default_factory=list)
    right: set[Place] = field(default_factory=set)
    unknown: set[Place] = field(default_factory=set)
    settled: bool = True


class _CalendarComparison:
    """Compares the events of one calendar with what was written to it."""

    def __init__(  # noqa: PLR0913, PLR0917  the calendar, and what is known and listed of it
        self,
        drift: CalendarDrift,
        merchant: str,
        connection_id: str,
        calendar_id: str,
        before: dict[Place, WrittenEvent],
        listing: EventListing,
    ) -> None:
        self._drift = drift
        self._merchant = merchant
        self._connection_id = connection_id
        self._calendar_id = calendar_id
        self._before = before
        self._listing = listing
        self._ids = {event_id(merchant, *place, known.generation): place for place, known in before.items()}

    def compare(self) -> _Compared:
        """Return the drifts, which events are right, and of which nobody can say it now."""
        by_place: defaultdict[Place, list[_Found]] = defaultdict(list)
        for event in self._listing.events:
            if found := self._identify(event):
                by_place[found[0]].append(found[1])
        present = [place for place, known in self._before.items() if known.present] if self._listing.complete else []
        compared = _Compared()
        for place in dict.fromkeys((*by_place, *present)):
            known = self._before.get(place) or self._drift.get_known(self._merchant, place)
            self._add(compared, place, known, by_place[place])
        return compared

    def _add(self, compared: _Compared, place: Place, known: WrittenEvent | None, found: Sequence[_Found]) -> None:
        """Add what has become of one event."""
        if known and _is_as_written(known, self._calendar_id, found):
            compared.right.add(place)
            return
        wanted = self._drift.find_wanted(self._merchant, place, known) if known and known.present else None
        drift = self._compare_one(place, known, wanted, found)
        if drift and self._drift.get_known(self._merchant, place) != known:
            compared.settled = False  # it was written while Google listed: the next look sees what is right
            compared.unknown.add(place)
        elif drift:
            compared.drifts.append(drift)
        elif known and _is_unknown(known, wanted, found):
            compared.unknown.add(place)
        else:
            compared.right.add(place)

    def _identify(self, event: "Event") -> tuple[Place, _Found] | None:
        """Return which event of ours it is, None if it is somebody's own, or a copy that somebody made."""
        marked = (
            None if is_deleted(event) else read_marked(self._merchant, self._connection_id, self._calendar_id, event)
        )
        if marked:
            reservation, written = marked
            return (reservation, written.key), _Found(written, event)
        place = self._ids.get(event["id"])
        if place is None:
            return None
        state = {"present": not is_deleted(event), "etag": event["etag"]}
        return place, _Found(self._before[place].model_copy(update=state), event)

    def _compare_one(
        self, place: Place, known: WrittenEvent | None, wanted: DesiredEvent | None, found: Sequence[_Found]
    ) -> Drift | None:
        if known and known.present and wanted is None:
            return None
        seen = list(_with_differences(found, wanted))
        drift = find_drift(place, known, seen, self._calendar_id, complete=self._listing.complete)
        return self._describe(drift, known, wanted, found) if drift else None

    def _describe(
        self, drift: Drift, known: WrittenEvent | None, wanted: DesiredEvent | None, found: Sequence[_Found]
    ) -> Drift:
        """Return the drift with what was written, and the hash of what people made of it."""
        written = drift.model_copy(update={"version": known.version if known else None})
        if drift.kind is DriftKind.MOVED_TO_CALENDAR:
            return self._drift.describe_dragged(self._merchant, written, self._calendar_id)
        live = [each for each in found if each.written.present]
        shapes = sorted((each.written.generation, describe_shape(each.event, wanted)) for each in live)
        return written.model_copy(update={"shape": self._drift.hash_shape(self._merchant, repr(shapes))})


def _is_unknown(known: WrittenEvent, wanted: DesiredEvent | None, found: Sequence[_Found]) -> bool:
    """Return whether nobody can say what should stand there: it is being written, or is newer than what is stored."""
    return (known.present and wanted is None) or any(each.written.version > known.version for each in found)


def _is_as_written(known: WrittenEvent, calendar_id: str, found: Sequence[_Found]) -> bool:
    """Return whether exactly what was written is there, which nobody has changed since."""
    same = known.present and known.calendar_id == calendar_id
    return same and [(each.written.generation, each.written.etag) for each in found] == [(known.generation, known.etag)]


def _with_differences(found: Iterable[_Found], wanted: DesiredEvent | None) -> Iterable[FoundEvent]:
    for each in found:
        compared = wanted is not None and each.written.present
        yield FoundEvent(each.written, find_differences(each.event, wanted) if compared and wanted else ())
