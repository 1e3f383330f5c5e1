"""How an event has drifted, by what its calendar shows and what slotsync has written."""

from typing import Any

import pytest

from slotsync.domain.calendars.owner import Owner
from slotsync.domain.reservations.drift import DriftKind, FoundEvent, find_drift
from slotsync.domain.reservations.event import EventKey, WrittenEvent

HERE, ELSEWHERE = "calendar", "other-calendar"
KEY = EventKey(item="1", owner=Owner.product("sunset-tour"))
WRITTEN = WrittenEvent(
    key=KEY, calendar_id=HERE, connection_id="c-1", generation=1, version=4, fingerprint="f", etag='"7"'
)


def known(**changes: Any) -> WrittenEvent:
    return WRITTEN.model_copy(update=changes)


def found(*fields: str, **changes: Any) -> FoundEvent:
    return FoundEvent(known(etag='"8"', **changes), fields)


DELETED = known(present=False)
TOMBSTONE = found(present=False)

TABLE: list[tuple[str, WrittenEvent | None, list[FoundEvent], bool, DriftKind | None]] = [
    ("as it was written", WRITTEN, [found()], True, None),
    ("as it was written, with colour and guests", WRITTEN, [found()], False, None),
    ("a new title", WRITTEN, [found("summary")], False, DriftKind.CHANGED),
    ("a new title and another time", WRITTEN, [found("summary", "start")], False, DriftKind.CHANGED),
    ("without its mark", WRITTEN, [found("mark")], True, DriftKind.CHANGED),
    ("longer", WRITTEN, [found("end")], False, DriftKind.MOVED),
    ("another day", WRITTEN, [found("start", "end")], True, DriftKind.MOVED),
    ("deleted, as the changes show", WRITTEN, [TOMBSTONE], False, DriftKind.DELETED),
    ("deleted, as the whole list shows", WRITTEN, [], True, DriftKind.DELETED),
    ("not among the changes", WRITTEN, [], False, None),
    ("an older one is deleted again", WRITTEN, [found(present=False, generation=0)], False, None),
    ("an older one is restored beside it", WRITTEN, [found(), found(generation=0)], True, DriftKind.DUPLICATED),
    ("an older one is restored, among the changes", WRITTEN, [found(generation=0)], False, DriftKind.DUPLICATED),
    ("an older one is restored in its place", WRITTEN, [found(generation=0), TOMBSTONE], False, DriftKind.RESTORED),
    ("an older one alone stands in the list", WRITTEN, [found(generation=0)], True, DriftKind.RESTORED),
    ("what was deleted is restored", DELETED, [found()], False, DriftKind.RESTORED),
    ("what was deleted is restored and dragged here", known(present=False, calendar_id=ELSEWHERE), [found()], True,
     DriftKind.RESTORED),
    ("what was deleted stays so", DELETED, [TOMBSTONE], False, None),
    ("dragged here", known(calendar_id=ELSEWHERE), [found()], False, DriftKind.MOVED_TO_CALENDAR),
    ("dragged here and away again", known(calendar_id=ELSEWHERE), [TOMBSTONE], False, None),
    ("with our mark, and not known", None, [found()], True, DriftKind.ORPHAN),
    ("not known, and deleted", None, [TOMBSTONE], False, None),
    ("being written", known(fingerprint=""), [found("summary")], True, None),
    ("being created", known(etag=""), [], True, None),
    ("newer than what is stored", WRITTEN, [found("summary", version=5)], True, None),
]  # fmt: skip


@pytest.mark.parametrize(("written", "events", "complete", "kind"), [each[1:] for each in TABLE],
                         ids=[each[0] for each in TABLE])  # fmt: skip
def test_drift_is_told_apart_by_what_was_written_and_what_stands(
    written: WrittenEvent | None, events: list[FoundEvent], *, complete: bool, kind: DriftKind | None
) -> None:
    drift = find_drift(("R-1", KEY), written, events, HERE, complete=complete)
    assert (drift.kind if drift else None) is kind
    if drift:
        assert (drift.reservation, drift.key) == ("R-1", KEY)


def test_drift_names_our_fields_that_were_changed() -> None:
    drift = find_drift(("R-1", KEY), WRITTEN, [found("summary", "start")], HERE, complete=False)
    assert drift is not None
    assert drift.fields == ("summary", "start")
