"""The write of one event, which may be repeated at any time, by any process."""

import secrets
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from slotsync.domain.reservations.event import DesiredEvent, WrittenEvent, event_id
from slotsync.errors import (
    Conflict,
    Exists,
    Gone,
    GoogleError,
    NotFound,
    QuotaExhausted,
    RateLimited,
    Refused,
    ScopeMissing,
)
from slotsync.google.events.body import find_additions, keep_additions, our_part, to_google
from slotsync.google.events.calls import EventCalls
from slotsync.google.events.decision import (
    Adopt,
    KeepNewer,
    Update,
    decide,
    describe_unwritten,
    describe_written,
    is_deleted,
    match_event,
)
from slotsync.google.events.deletion import (
    GENERATION_STEPS,
    MAX_ROUNDS,
    EventDeletion,
    NoteFound,
    OtherCalendars,
    ignore_found,
    refused,
    split,
)

if TYPE_CHECKING:
    from googleapiclient._apis.calendar.v3 import Event

FORBIDDEN_STATUS = 403

MAX_WRITES = len(GENERATION_STEPS) + 1
"""The rounds of one write, whatever Google answers: each is a write, and the reading of what has become of it."""

MAX_SKIPPED = 1_000_000
"""Generations that are skipped, at random, when even the next one is taken."""


class NotWanted(Exception):
    """An event is neither created again nor overwritten, since it is not wanted any more as this write has it."""


def always_wanted() -> bool:
    """Return true: the default, for events that nobody deletes meanwhile."""
    return True


class EventWrite:
    """Writes one event to its calendar: with one call if what is known of it is right, else with a few."""

    def __init__(
        self,
        calls: EventCalls,
        desired: DesiredEvent,
        others: OtherCalendars,
        is_wanted: Callable[[], bool],
        note_found: NoteFound = ignore_found,
    ) -> None:
        self._calls = calls
        self._desired = desired
        self._others = others
        self._is_wanted = is_wanted
        self._deletion = EventDeletion(desired.merchant, desired.reservation, desired.version, others, note_found)
        self._generation = 0
        self._etag = ""
        self._found: Event | None = None
        self._refusals = 0
        self._refusal: GoogleError = Refused("Google has used up the event's ids", reason="unsettled")
        self._used = 0
        self._taken = 0
        self._known = False
        self._duplicates_in = set[str]()
        self._duplicates: list[tuple[EventCalls, WrittenEvent, Event]] = []
        self._searched = False

    def run(self, known: WrittenEvent | None, left_in: Iterable[str] = ()) -> WrittenEvent:
        """Write the event and return its state: written, found as desired, or found newer than desired.

        Raises:
            NotWanted: it was deleted, or seems newer, and nobody wants this any more.
            Refused: Google refuses to change the event that it shows, or every id for it.
        """
        self._duplicates_in |= {*left_in}
        self._start(known)
        for _ in range(MAX_WRITES):
            if self._found is not None:
                decision = decide(self._found, self._desired)
                if isinstance(decision, Adopt | KeepNewer):
                    return self._finish(self._found)
                if isinstance(decision, Update):
                    self._begin_update(decision)
                else:
                    self._skip_used()
            if self._found is None or self._etag:
                written = self._write()
                if written and not is_deleted(written):
                    return self._finish(written)
                self._look_after(written)
        raise refused(self._refusal)

    def _start(self, known: WrittenEvent | None) -> None:
        if known is None or known.calendar_id != self._desired.calendar_id:
            return
        self._known = True
        self._duplicates_in |= {*known.duplicates_in}
        if not known.present:
            self._begin_generation(known.generation + 1)
        elif known.generation and not known.etag:  # an earlier attempt began this generation
            self._begin_generation(known.generation)
        else:
            self._generation, self._etag = known.generation, known.etag
            if known.has_duplicates:  # people may have restored another one, and dragged it elsewhere
                self._searched = True
                self._keep_one()
            elif known.touched and known.etag:
                self._found = self._calls.get(self._id)

    def _find_duplicates(self, everywhere: Iterable[EventCalls]) -> None:
        """Find the event's generations in these other calendars."""
        place = describe_unwritten(self._desired)
        for calls in everywhere:
            found = self._deletion.find(calls, [place])
            self._duplicates += [(calls, state, event) for state, event in found]

    def _begin_update(self, decision: Update) -> None:
        """Go on with an update, unless the event seems newer and the store has something newer, too."""
        if decision.claims_newer and not self._is_wanted():
            raise NotWanted
        self._etag = decision.etag

    def _skip_used(self) -> None:
        """Go on with another generation, since this one's event is deleted, or somebody else's."""
        steps = GENERATION_STEPS[min(self._used, len(GENERATION_STEPS) - 1)]
        self._used += 1
        self._begin_next(steps)

    def _begin_next(self, steps: int) -> None:
        # Its deletion may be newer than this write, if the write's workflow was terminated meanwhile.
        if not self._is_wanted():
            raise NotWanted
        self._begin_generation(self._generation + steps)

    def _skip_taken(self) -> None:
        """Go on with another generation, since this one's id is taken by nothing that Google shows.

        It may be the tombstone of an event that is not known here. The next one is tried, then any other.
        """
        self._taken += 1
        only_next = self._taken == 1 and self._known
        self._begin_next(1 if only_next else secrets.randbelow(MAX_SKIPPED) + 1)

    def _begin_generation(self, generation: int) -> None:
        """Go on with this generation, unless people have restored an older one."""
        self._generation, self._etag, self._found = generation, "", None
        if not self._searched:
            self._searched = True
            self._keep_one()

    def _keep_one(self) -> bool:
        """Go on with the newest generation that is in the calendar, and note the others; return whether one is."""
        desired, place = self._desired, describe_unwritten(self._desired)
        events = self._calls.list_marked(desired.reservation, first_format=desired.first_format)
        matches = ((match_event(desired.merchant, desired.reservation, place, each), each) for each in events)
        found = sorted(
            ((state, each) for state, each in matches if state),
            key=lambda match: (match[0].version, match[0].generation),
        )
        if not found:
            return False
        state, self._found = found.pop()
        if state.generation < self._generation:
            self._duplicates_in.add(desired.calendar_id)
        self._generation = state.generation
        self._duplicates = [(self._calls, older, each) for older, each in found]
        return True

    def _write(self) -> "Event | None":
        """Return the event after one write, which may be a tombstone, or None if the write was refused."""
        body = to_google(self._desired)
        if self._etag:
            return self._update(keep_additions(body, self._found) if self._found else body)
        try:
            return self._calls.insert({"id": self._id, **body})
        except Exists as error:
            if self._taken >= (2 if self._known else 1):  # an id at random: Google refuses whatever it is asked
                raise refused(error) from None
            self._refusal = error
            return None

    def _update(self, body: "Event") -> "Event | None":
        try:
            return self._calls.update(self._id, body, self._etag)
        except (QuotaExhausted, RateLimited, ScopeMissing):
            raise
        except GoogleError as error:
            forbidden = error.status == FORBIDDEN_STATUS
            if not (forbidden or isinstance(error, Conflict | Gone | NotFound)):
                raise
            self._count_refusal(error)
            return self._get_tombstone(error) if forbidden else None

    def _count_refusal(self, error: GoogleError) -> None:
        """Count an update that Google refused, whatever it shows of the event.

        Raises:
            Refused: it was one too many.
        """
        self._refusal = error
        self._refusals += 1
        if self._refusals >= MAX_ROUNDS:
            raise refused(error) from None

    def _get_tombstone(self, error: GoogleError) -> "Event | None":
        """Return the tombstone of an event that Google forbids to write because it is deleted; else raise a refusal."""
        found = self._calls.get(self._id)
        if found and not is_deleted(found):
            raise refused(error) if isinstance(error, NotFound) else error
        return found

    def _look_after(self, written: "Event | None") -> None:
        """Find out what is in Google after a write that was refused, or that wrote a tombstone."""
        self._found = written or self._calls.get(self._id)
        if self._found is not None:
            return
        if self._etag:
            self._etag = ""  # the update found no event: a creation with the same id can never make a second one
        elif not (self._searched and self._keep_one()):  # an id that is taken but not found may be one of them
            self._skip_taken()

    def _finish(self, event: "Event") -> WrittenEvent:
        """Return the event that stands now, once others of it that people have moved or restored are taken away.

        They are looked for after the write: one that Google refuses again and again does not cost a search each time.
        """
        others = list(self._others()) if self._searched or self._duplicates_in else []
        known, unknown = split(others, self._duplicates_in)
        for places in (known, unknown if self._searched else []):
            self._find_duplicates(places)
            event = self._carry_over(event)
            self._delete_duplicates()
        written = describe_written(self._desired, self._generation, event)
        found_in = tuple(sorted(self._duplicates_in))
        return self._deletion.note_out_of_reach(written.model_copy(update={"duplicates_in": found_in}))

    def _delete_duplicates(self) -> None:
        new = [each for each in self._duplicates if each[0].calendar_id not in self._duplicates_in]
        for calls, state, _ in new:
            self._deletion.note(calls, [state])
        for calls, state, _ in self._duplicates:
            self._deletion.delete_unless_newer(calls, state)
            self._duplicates_in.add(calls.calendar_id)
        self._duplicates = []

    def _carry_over(self, event: "Event") -> "Event":
        """Give the event what people have added to those that will be deleted, and return it as it is then."""
        sources = [each for _, _, each in self._duplicates]
        body = keep_additions(our_part(event), event, *reversed(sources))
        if find_additions(body) == find_additions(event):
            return event
        try:
            return self._calls.update(self._id, body, event["etag"])
        except Conflict as error:
            raise refused(error) from None  # or it changed meanwhile: it is tried again

    @property
    def _id(self) -> str:
        desired = self._desired
        return event_id(desired.merchant, desired.reservation, desired.key, self._generation)
