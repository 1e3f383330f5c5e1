"""Delete events, wherever people have moved or restored them. A deletion may be repeated at any time."""

from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING

from slotsync.domain.reservations.event import EventKey, WrittenEvent, event_id
from slotsync.errors import CalendarMissing, CalendarReadOnly, Conflict, Exists, Gone, GoogleError, NotFound, Refused
from slotsync.google.events.calls import EventCalls
from slotsync.google.events.decision import is_deleted, match_event, refresh_written
from slotsync.google.events.mark import Mark

if TYPE_CHECKING:
    from googleapiclient._apis.calendar.v3 import Event

GENERATION_STEPS = (1, 8, 64, 512, 4096)
"""The steps from one used generation to the next that is tried: few, however many of an event people have used up."""

MAX_ROUNDS = 2
"""The tries of one write at an event that changes meanwhile, or that Google refuses: others need calls, too."""

MAX_HIDDEN = 1
"""The ids after each other that are taken by nothing that Google shows, after which a creation takes any other."""

ID_PLACEHOLDER: "Event" = {"summary": "", "start": {"date": "1970-01-01"}, "end": {"date": "1970-01-02"}}
"""The event that takes an id until it is deleted at once: at a date that nobody looks at. With a mark it is found."""

OtherCalendars = Callable[[], Iterable[EventCalls]]
"""The calls on the merchant's other managed calendars, which are only needed off the normal path."""


NoteFound = Callable[[EventKey, str], None]
"""Takes the key of an event and the calendar in which it was found, before it is deleted there."""


def ignore_found(_: EventKey, __: str) -> None:
    """Do nothing: the default, where nobody looks again."""


class EventDeletion:
    """Deletes one event of a reservation, wherever people have moved or restored it."""

    def __init__(
        self,
        merchant: str,
        reservation: str,
        version: int,
        others: OtherCalendars,
        note_found: NoteFound = ignore_found,
    ) -> None:
        self._merchant = merchant
        self._reservation = reservation
        self._version = version
        self._others = others
        self._note_found = note_found
        self.out_of_reach: dict[str, GoogleError] = {}
        """The calendars that could not be looked at, and why: an event may be there still."""

    def delete(self, calls: EventCalls, written: WrittenEvent) -> WrittenEvent:
        """Delete the event and return its state: not present, or kept because it has a newer version.

        With one call if it is unchanged, and if there never was another generation of it.

        Raises:
            CalendarMissing: Google does not find the calendar.
            Refused: Google refuses to delete the event that it shows.
        """
        state, deleted = self.delete_here(calls, written)
        if state.present or (deleted and not written.has_duplicates):
            return state
        self.take_away([written], [calls, *self._others()])
        self.require_searched(calls.calendar_id)
        return self.note_out_of_reach(state)

    def delete_generations(self, calls: EventCalls, written: WrittenEvent) -> WrittenEvent:
        """Delete every generation of an event of which it is unknown whether it was created, and return its state.

        Raises:
            CalendarMissing: Google does not find the calendar.
            Refused: Google refuses to delete an event that it shows, or the placeholder, or to write to the calendar.
        """
        states = self.take_away([written], [calls, *self._others()])
        self.require_searched(calls.calendar_id)
        newer = [state for state in states if state.present]
        return self.note_out_of_reach((newer or states or [self._use_up_id(calls, written)])[-1])

    def require_searched(self, calendar_id: str) -> None:
        """Check that the events in this calendar could be looked at.

        Raises:
            CalendarMissing: Google does not find it.
            CalendarReadOnly: We may not write to it.
        """
        if error := self.out_of_reach.get(calendar_id):
            raise error

    def note_out_of_reach(self, state: WrittenEvent) -> WrittenEvent:
        """Return the state with the calendars that could not be looked at."""
        seen_in = tuple(sorted({*state.duplicates_in, *self.out_of_reach}))
        return state.model_copy(update={"duplicates_in": seen_in, "unsearched": tuple(sorted(self.out_of_reach))})

    def take_away(self, events: Iterable[WrittenEvent], everywhere: Iterable[EventCalls]) -> list[WrittenEvent]:
        """Delete the events' generations in these calendars, by the mark; return their states: newer ones are kept.

        First where they were seen before, one calendar after the other: if Google refuses to delete one, the
        others are not searched.
        """
        unwanted = list(events)
        seen_in = {place for each in unwanted for place in each.duplicates_in}
        states = []
        for calls in chain(*split(everywhere, seen_in)):
            found = [state for state, _ in self.find(calls, unwanted)]
            self.note(calls, found)
            states += [self.delete_unless_newer(calls, state) for state in found]
        return states

    def note(self, calls: EventCalls, found: Iterable[WrittenEvent]) -> None:
        """Note that events were found in this calendar, other than where they are known to be."""
        for state in found:
            if calls.calendar_id not in {state.calendar_id, *state.duplicates_in}:
                self._note_found(state.key, calls.calendar_id)

    def delete_unless_newer(self, calls: EventCalls, state: WrittenEvent) -> WrittenEvent:
        """Delete the event that Google lists in this state, and return its state; a newer one is kept."""
        return state if state.version > self._version else self.delete_here(calls, state, listed=True)[0]

    def find(self, calls: EventCalls, events: Sequence[WrittenEvent]) -> "list[tuple[WrittenEvent, Event]]":
        """Return the events' generations in a calendar, by the mark, each with Google's event.

        A calendar out of reach is noted; what Google shows of one that may only be read is found in it all the same.
        """
        first = any(written.first_format for written in events)
        marked: list[Event] = []
        try:
            for each in calls.list_marked(self._reservation, first_format=first):
                marked.append(each)  # noqa: PERF402  what Google shows before it says that we may not write there
        except (CalendarMissing, CalendarReadOnly) as error:
            self.out_of_reach[calls.calendar_id] = error
        matches = (
            (match_event(self._merchant, self._reservation, written, event), event)
            for event in marked
            for written in events
        )
        return [(state, event) for state, event in matches if state]

    def delete_here(
        self, calls: EventCalls, written: WrittenEvent, *, listed: bool = False
    ) -> tuple[WrittenEvent, bool]:
        """Delete the event in one calendar; return its state, and whether it was found there.

        If Google has just ``listed`` it, that it is not found is no proof that it is gone: the next attempt looks.

        Raises:
            Refused: Google refuses to delete the event.
        """
        id_ = event_id(self._merchant, self._reservation, written.key, written.generation)
        etag, refusal = written.etag, None
        for _ in range(MAX_ROUNDS):
            try:
                calls.delete(id_, etag)
            except (Conflict, Gone, NotFound) as error:
                refusal = error
            else:
                return mark_deleted(written, self._version), True
            # Not found, changed or forbidden: it is read, since an event that is left behind stays for ever.
            found = calls.get(id_)
            if found is None and listed:
                break
            mark = Mark.from_event(found) if found else None
            if found is None or is_deleted(found) or (mark and not self._is_its_mark(mark, written)):
                return mark_deleted(written, self._version), False
            if mark and mark.is_newer_than(self._version):
                return refresh_written(written, mark, found), True
            etag = found["etag"]
        assert refusal is not None
        raise refused(refusal)

    def _is_its_mark(self, mark: Mark, written: WrittenEvent) -> bool:
        return mark.matches(self._merchant, self._reservation, written.key)

    def _use_up_id(self, calls: EventCalls, written: WrittenEvent) -> WrittenEvent:
        """Use up the event's id and return its state: a creation that Google carries out late fails, as it is taken.

        A lost creation that found the id taken as well has used the next generation.
        """
        hidden, taken, steps = 0, written, [*GENERATION_STEPS]
        while True:
            found, is_new = self._insert_placeholder(calls, taken)
            if found and not is_deleted(found):
                taken = taken.model_copy(update={"etag": found["etag"]})
                return self.delete_here(calls, taken, listed=is_new)[0]
            hidden += found is None
            if hidden > MAX_HIDDEN or not steps:  # a creation would go on with any other id after so many, or end
                return mark_deleted(taken, self._version)
            step = 1 if found is None else steps.pop(0)
            taken = taken.model_copy(update={"generation": taken.generation + step})

    def _insert_placeholder(self, calls: EventCalls, place: WrittenEvent) -> "tuple[Event | None, bool]":
        """Return the placeholder that takes the event's id, or what Google shows if it is taken; and which it is."""
        id_ = event_id(self._merchant, self._reservation, place.key, place.generation)
        mark = Mark.of_placeholder(self._merchant, self._reservation, place.key, self._version)
        properties: Event = {"extendedProperties": {"private": mark.to_properties()}}
        try:
            return calls.insert({"id": id_, **ID_PLACEHOLDER, **properties}), True
        except Exists:
            return calls.get(id_), False


def split(everywhere: Iterable[EventCalls], first: Collection[str]) -> tuple[list[EventCalls], list[EventCalls]]:
    """Return the calls on these calendars, and those on the others."""
    places = list(everywhere)
    return [each for each in places if each.calendar_id in first], [
        each for each in places if each.calendar_id not in first
    ]


def mark_deleted(written: WrittenEvent, version: int) -> WrittenEvent:
    """Return the event as deleted at ``version``, so that no older version restores it."""
    return written.model_copy(update={"present": False, "version": max(written.version, version), "touched": False})


def refused(error: GoogleError) -> Refused:
    """Return the refusal of a call that was repeated in vain, with Google's own reason."""
    return Refused(f"Google refuses the write again and again ({error})", reason=error.reason, status=error.status)
