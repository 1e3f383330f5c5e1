from collections.abc import Iterable

import pytest

from slotsync.domain.calendars.owner import GuestData, ManagedCalendar, Owner, OwnerSettings
from slotsync.domain.health import NO_CALENDAR, NO_CONNECTION, UNKNOWN_OWNER, Blocker
from slotsync.domain.reservations.event import EventKey, SyncState, WrittenEvent
from slotsync.domain.reservations.plan import (
    NOTHING_LEFT,
    Action,
    Delete,
    LeftKeys,
    LookForRestored,
    Plan,
    Put,
    plan_event,
    waiting_state,
)
from slotsync.domain.reservations.plan import plan as plan_with
from slotsync.domain.reservations.snapshot import Item, Reservation, ReservationStatus
from tests.support.desired_events import hasher_with

TOUR = Owner.product("sunset-tour")
GUIDE = Owner.resource("guide-1")
BOAT = Owner.resource("boat-1")
HASHER = hasher_with()


def plan(
    desired: Reservation,
    applied: Iterable[WrittenEvent],
    calendars: Iterable[ManagedCalendar],
    left: LeftKeys = NOTHING_LEFT,
) -> Plan:
    """Return the plan with the fingerprints of one merchant."""
    return plan_with(desired, applied, calendars, HASHER, left)


def item(product: str = "sunset-tour", resources: Iterable[str] = ("guide-1",), day: int = 1, **more: str) -> Item:
    times = {"start": f"2026-07-{day:02}T18:00:00+03:00", "end": f"2026-07-{day:02}T20:00:00+03:00"}
    return Item.model_validate({"product": product, "resources": tuple(resources), **times, **more})


def reservation(*items: Item, version: int = 1, **more: object) -> Reservation:
    return Reservation.model_validate({"merchant": "m", "id": "R-1", "version": version, "items": items, **more})


def calendar(
    owner: Owner, *, sync: bool = True, removing: bool = False, made: bool = True, connected: bool = True
) -> ManagedCalendar:
    return ManagedCalendar(
        owner=owner,
        removing=removing,
        settings=OwnerSettings(name=owner.id, time_zone="Europe/Helsinki", sync=sync),
        connection_id="c" if connected else None,
        calendar_id=f"calendar of {owner}" if made else None,
    )


def unknown(owner: Owner) -> ManagedCalendar:
    return ManagedCalendar(owner=owner, settings=OwnerSettings(name=owner.id, sync=False), known=False)


ALL_MADE = [calendar(TOUR), calendar(GUIDE), calendar(BOAT)]


def done(actions: Iterable[Action], *, present: bool = True) -> list[WrittenEvent]:
    """Return the written events after these puts."""
    return [written_by(action, present=present) for action in actions if isinstance(action, Put)]


def written_by(put: Put, *, present: bool = True) -> WrittenEvent:
    return WrittenEvent(
        key=put.key,
        calendar_id=put.event.calendar_id,
        connection_id=put.event.connection_id,
        generation=0,
        version=put.event.version,
        fingerprint=put.event.fingerprint,
        etag="1",
        present=present,
    )


def blockers(steps: Plan) -> dict[Owner, Blocker]:
    return {each.key.owner: each.blocker for each in steps.blocked}


def summaries(steps: Plan) -> list[str]:
    return [f"{type(action).__name__} {action.key}" for action in steps.actions]


BOOKED = reservation(item())
NEW = plan(BOOKED, [], ALL_MADE).actions
WRITTEN = done(NEW)
OFF_TOUR = calendar(TOUR, sync=False, removing=True)
OFF_GUIDE = calendar(GUIDE, sync=False, removing=True)


@pytest.mark.parametrize(
    ("desired", "applied", "actions"),
    [
        pytest.param(
            BOOKED, [], ["Put 1@product:sunset-tour", "Put 1@resource:guide-1"], id="booked: one per calendar"
        ),
        pytest.param(BOOKED, WRITTEN, [], id="in step: nothing"),
        pytest.param(reservation(item(), version=2), WRITTEN, [], id="a new version that looks the same: nothing"),
        pytest.param(
            reservation(item(day=2), version=2),
            WRITTEN,
            ["Put 1@product:sunset-tour", "Put 1@resource:guide-1"],
            id="moved in time: each is written",
        ),
        pytest.param(
            reservation(item(resources=["boat-1"]), version=2),
            WRITTEN,
            ["Put 1@resource:boat-1", "Delete 1@resource:guide-1"],
            id="another resource: created there, deleted here",
        ),
        pytest.param(
            reservation(item(), item(day=3), version=2),
            WRITTEN,
            ["Put 2@product:sunset-tour", "Put 2@resource:guide-1"],
            id="an item more: only its events",
        ),
        pytest.param(
            reservation(status="cancelled", version=2),
            WRITTEN,
            ["Delete 1@product:sunset-tour", "Delete 1@resource:guide-1"],
            id="cancelled without items: all deleted",
        ),
        pytest.param(
            reservation(item(), status="cancelled", version=2),
            WRITTEN,
            ["Delete 1@product:sunset-tour", "Delete 1@resource:guide-1"],
            id="cancelled with items: all deleted",
        ),
        pytest.param(reservation(item(), status="cancelled"), [], [], id="cancelled before anything was written"),
        pytest.param(
            reservation(status="cancelled", version=3),
            [event.model_copy(update={"present": False}) for event in WRITTEN],
            ["LookForRestored 1@product:sunset-tour", "LookForRestored 1@resource:guide-1"],
            id="deleted before: people may have restored them",
        ),
        pytest.param(
            reservation(status="cancelled", version=2),
            [event.model_copy(update={"present": False, "version": 2}) for event in WRITTEN],
            [],
            id="deleted at this version: nothing",
        ),
        pytest.param(
            reservation(item(), status="tentative", version=2),
            WRITTEN,
            ["Put 1@product:sunset-tour", "Put 1@resource:guide-1"],
            id="less sure: written",
        ),
    ],
)
def test_the_plan_is_the_shortest_way(desired: Reservation, applied: list[WrittenEvent], actions: list[str]) -> None:
    assert summaries(plan(desired, applied, ALL_MADE)) == actions


def test_carrying_out_a_plan_leaves_nothing_to_do() -> None:
    desired = reservation(item(), item(product="kayak", resources=["boat-1"], day=2))
    calendars = [*ALL_MADE, calendar(Owner.product("kayak"))]
    steps = plan(desired, [], calendars)
    assert len(steps.actions) == 4
    assert plan(desired, done(steps.actions), calendars) == Plan()


def test_an_event_is_written_with_a_fingerprint_by_the_merchants_key() -> None:
    for put in NEW:
        assert isinstance(put, Put)
        assert put.event.fingerprint == HASHER.hash(put.event.content.plain_fingerprint)
        assert put.event.content.plain_fingerprint not in put.event.fingerprint


def test_an_event_with_a_plain_fingerprint_of_a_former_version_is_not_written_again() -> None:
    def formerly(put: Action) -> WrittenEvent:
        assert isinstance(put, Put)
        return written_by(put).model_copy(update={"fingerprint": put.event.content.plain_fingerprint})

    assert plan(BOOKED, map(formerly, NEW), ALL_MADE) == Plan()
    assert len(plan(reservation(item(day=2), version=2), map(formerly, NEW), ALL_MADE).actions) == len(NEW) == 2


def test_an_update_knows_what_it_replaces() -> None:
    put = plan(reservation(item(day=2), version=2), WRITTEN, ALL_MADE).actions[0]
    assert isinstance(put, Put)
    assert put.known == WRITTEN[0]


def test_a_booking_confirmed_again_knows_its_former_generation() -> None:
    gone = [event.model_copy(update={"present": False}) for event in WRITTEN]
    puts = plan(reservation(item(), version=3), gone, ALL_MADE).actions
    assert [put.known for put in puts if isinstance(put, Put)] == gone


def test_calendars_that_are_not_made_yet_are_asked_for_and_the_others_written() -> None:
    steps = plan(BOOKED, [], [calendar(TOUR, made=False), calendar(GUIDE)])
    assert summaries(steps) == ["Put 1@resource:guide-1"]
    assert blockers(steps) == {TOUR: NO_CALENDAR}


def test_a_merchant_without_connection_is_named() -> None:
    steps = plan(BOOKED, [], [calendar(TOUR, made=False, connected=False), calendar(GUIDE, connected=False)])
    assert not steps.actions
    assert blockers(steps) == {TOUR: NO_CONNECTION, GUIDE: NO_CONNECTION}


def test_a_product_that_was_never_put_is_named() -> None:
    steps = plan(BOOKED, [], [unknown(TOUR), calendar(GUIDE)])
    assert summaries(steps) == ["Put 1@resource:guide-1"]
    assert blockers(steps) == {TOUR: UNKNOWN_OWNER}


def test_a_cancelled_reservation_of_an_unknown_product_needs_nothing() -> None:
    assert plan(reservation(item(), status="cancelled"), [], [unknown(TOUR), unknown(GUIDE)]) == Plan()


@pytest.mark.parametrize(
    ("of", "state"),
    [
        (calendar(TOUR), None),
        (calendar(TOUR, made=False), SyncState.WAITING),
        (calendar(TOUR, made=False, connected=False), SyncState.PARKED),
        (calendar(TOUR, sync=False), SyncState.NOT_SYNCED),
        (unknown(TOUR), SyncState.UNKNOWN_PRODUCT),
    ],
)
def test_a_wanted_event_waits_for_what_its_calendar_lacks(of: ManagedCalendar, state: SyncState | None) -> None:
    assert waiting_state(of) == state


OFF = [calendar(TOUR, sync=False), calendar(GUIDE, sync=False)]
ELSEWHERE = [calendar(owner).model_copy(update={"calendar_id": "of another account"}) for owner in (TOUR, GUIDE)]


def test_calendars_whose_sync_is_off_are_left_as_they_are() -> None:
    assert plan(reservation(item(day=2), version=2), WRITTEN, OFF) == Plan()


@pytest.mark.parametrize("calendars", [OFF, ELSEWHERE])
def test_what_has_to_go_out_of_reach_is_a_debt_until_it_is_gone(calendars: list[ManagedCalendar]) -> None:
    cancelled = reservation(status="cancelled", version=2)
    assert plan(cancelled, WRITTEN, calendars) == Plan(debts=tuple(each.key for each in WRITTEN))
    assert plan_event(cancelled, WRITTEN[0].key, calendars[0], WRITTEN[0], HASHER) is None
    assert plan(cancelled, done(NEW, present=False), calendars).debts == ()


ON = [calendar(TOUR), calendar(GUIDE)]
KEYS = frozenset(each.key for each in WRITTEN)


@pytest.mark.parametrize(
    ("left", "calendars", "wanted", "owed"),
    [
        pytest.param(LeftKeys(owed=KEYS), ON, False, True, id="in a former account: has to go"),
        pytest.param(LeftKeys(owed=KEYS), ON, True, False, id="in a former account, and wanted: stays"),
        pytest.param(LeftKeys(owed=KEYS, doubled=KEYS), ON, True, True, id="in another owner's calendar: never stays"),
        pytest.param(LeftKeys(missing=KEYS), ON, False, False, id="Google does not find the calendar: deleted with it"),
        pytest.param(LeftKeys(missing=KEYS), OFF, False, True, id="and nobody looks for it, since it is off: owed"),
        pytest.param(LeftKeys(missing=KEYS), OFF, True, False, id="off, and wanted: stays"),
        pytest.param(LeftKeys(missing=KEYS), [OFF_TOUR, OFF_GUIDE], False, False, id="to be removed: somebody looks"),
    ],
)
def test_what_is_left_out_of_reach_is_a_debt_unless_it_may_stay_or_seems_deleted(
    left: LeftKeys, calendars: list[ManagedCalendar], *, wanted: bool, owed: bool
) -> None:
    desired = BOOKED if wanted else reservation(status="cancelled", version=2)
    found = plan(desired, done(NEW, present=wanted), calendars, left)
    assert found.debts == (tuple(each.key for each in WRITTEN) if owed else ())


@pytest.mark.parametrize(
    ("calendars", "applied", "actions"),
    [
        pytest.param([OFF_TOUR, calendar(GUIDE)], WRITTEN, ["Delete 1@product:sunset-tour"], id="only where it is off"),
        pytest.param([OFF_TOUR, OFF_GUIDE], [], [], id="nothing stands: nothing"),
        pytest.param([OFF_TOUR, OFF_GUIDE], done(NEW, present=False), [], id="deleted already: nothing"),
        pytest.param(
            [OFF_TOUR.model_copy(update={"calendar_id": "another"}), OFF_GUIDE],
            WRITTEN,
            ["Delete 1@resource:guide-1"],
            id="not in a calendar that is no longer the owner's",
        ),
        pytest.param(
            [OFF_TOUR.model_copy(update={"connection_id": None}), OFF_GUIDE],
            WRITTEN,
            ["Delete 1@resource:guide-1"],
            id="without a connection only later",
        ),
    ],
)
def test_events_are_taken_away_when_sync_is_turned_off_with_removal(
    calendars: list[ManagedCalendar], applied: list[WrittenEvent], actions: list[str]
) -> None:
    assert summaries(plan(BOOKED, applied, calendars)) == actions


def deleted_with_its_events(owner: Owner, *, connected: bool = True) -> ManagedCalendar:
    return calendar(owner, sync=False, removing=True, connected=connected).model_copy(update={"known": False})


def test_events_of_a_product_that_was_deleted_with_them_are_taken_away_and_wanted_still() -> None:
    steps = plan(BOOKED, WRITTEN, [deleted_with_its_events(TOUR), calendar(GUIDE)])
    assert summaries(steps) == ["Delete 1@product:sunset-tour"]
    assert blockers(steps) == {TOUR: UNKNOWN_OWNER}
    gone = plan(BOOKED, done(NEW, present=False), [deleted_with_its_events(TOUR), calendar(GUIDE, sync=False)])
    assert (gone.actions, blockers(gone)) == ((), {TOUR: UNKNOWN_OWNER})


def test_events_of_a_deleted_product_go_once_they_are_in_reach_again() -> None:
    revoked = plan(BOOKED, WRITTEN, [deleted_with_its_events(TOUR, connected=False), calendar(GUIDE)])
    assert (revoked.actions, blockers(revoked)) == ((), {TOUR: NO_CONNECTION})
    elsewhere = deleted_with_its_events(TOUR).model_copy(update={"calendar_id": "of another account"})
    assert plan(BOOKED, WRITTEN, [elsewhere, calendar(GUIDE)]).debts == (WRITTEN[0].key,)


def test_an_event_that_cannot_be_deleted_for_want_of_a_connection_is_not_forgotten() -> None:
    revoked = calendar(TOUR, connected=False)
    steps = plan(reservation(status="cancelled", version=2), WRITTEN, [revoked, calendar(GUIDE)])
    assert blockers(steps) == {TOUR: NO_CONNECTION}


def test_an_event_is_deleted_through_the_connection_that_its_calendar_has_now() -> None:
    again = calendar(TOUR).model_copy(update={"connection_id": "another"})
    (delete, _) = plan(reservation(status="cancelled", version=2), WRITTEN, [again, calendar(GUIDE)]).actions
    assert isinstance(delete, Delete)
    assert (delete.connection_id, delete.written.connection_id) == ("another", "c")


def test_turning_on_again_writes_removed_events_again() -> None:
    assert plan(BOOKED, done(NEW, present=False), [OFF_TOUR, OFF_GUIDE]) == Plan()
    assert summaries(plan(BOOKED, done(NEW, present=False), ALL_MADE)) == summaries(plan(BOOKED, [], ALL_MADE))


def test_nothing_is_asked_for_when_a_cancelled_reservation_has_no_calendar() -> None:
    assert plan(reservation(item(), status="cancelled"), [], [calendar(TOUR, made=False), calendar(GUIDE)]) == Plan()


def test_events_of_a_calendar_that_was_replaced_are_written_to_the_new_one_as_new() -> None:
    replaced = calendar(TOUR).model_copy(update={"calendar_id": "a new one"})
    (put,) = plan(BOOKED, WRITTEN, [replaced, calendar(GUIDE)]).actions
    assert isinstance(put, Put)
    assert put.event.calendar_id == "a new one"
    assert put.known is None


def test_deleting_names_the_reservation() -> None:
    first = plan(reservation(status=ReservationStatus.CANCELLED, version=2), WRITTEN, ALL_MADE).actions[0]
    assert isinstance(first, Delete)
    assert (first.merchant, first.reservation, first.version) == ("m", "R-1", 2)


def test_another_guest_data_level_writes_the_event_again() -> None:
    bare = calendar(TOUR).model_copy(update={"settings": OwnerSettings(name="x", guest_data=GuestData.BUSY)})
    assert summaries(plan(BOOKED, WRITTEN, [bare, calendar(GUIDE)])) == ["Put 1@product:sunset-tour"]


def test_an_event_key_reads_well() -> None:
    assert str(EventKey(item="1", owner=TOUR)) == "1@product:sunset-tour"


@pytest.mark.parametrize(
    ("seen", "put_calls", "delete_calls"),
    [
        ({}, 1, 1),
        ({"touched": True}, 2, 1),
        ({"generation": 1}, 2, 2),
        ({"fingerprint": ""}, 4, 4),
        ({"present": False}, 2, 1),
        ({"generation": 1, "first_format": True}, 3, 3),
        ({"present": False, "first_format": True}, 3, 1),
    ],
)
def test_the_calls_that_a_write_probably_takes_are_counted(
    seen: dict[str, object], put_calls: int, delete_calls: int
) -> None:
    desired = reservation(item(resources=()))
    (first,) = plan(desired, [], ALL_MADE).actions
    assert isinstance(first, Put)
    written = written_by(first).model_copy(update=seen)
    (put,) = plan(reservation(item(resources=(), day=2), version=2), [written], ALL_MADE).actions
    cancelled = reservation(item(resources=()), version=2, status=ReservationStatus.CANCELLED)
    (delete,) = plan(cancelled, [written], ALL_MADE).actions
    assert (first.calls, put.calls, delete.calls) == (1, put_calls, delete_calls)


@pytest.mark.parametrize(
    ("known", "first_format"), [({}, False), ({"first_format": True}, True), ({"etag": ""}, True), (None, True)]
)
def test_an_event_may_be_of_the_first_format_if_that_is_recorded_or_nothing_is(
    known: dict[str, object] | None, *, first_format: bool
) -> None:
    (first,) = plan(reservation(item(resources=())), [], ALL_MADE).actions
    assert isinstance(first, Put)
    written = [] if known is None else [written_by(first).model_copy(update=known)]
    (put,) = plan(reservation(item(resources=(), day=2), version=2), written, ALL_MADE).actions
    assert isinstance(put, Put)
    assert put.event.first_format is first_format


def test_deleted_events_that_nobody_wants_are_looked_for_once_an_owner_and_version() -> None:
    first = reservation(item(id="a"), item(id="b"), item(id="c"))
    gone = done(plan(first, [], ALL_MADE).actions, present=False)
    second = reservation(item(id="c"), version=2)
    looks = [each for each in plan(second, gone, ALL_MADE).actions if isinstance(each, LookForRestored)]
    assert [(each.key.item, each.key.owner, each.version) for each in looks] == [("a", TOUR, 2), ("a", GUIDE, 2)]
    looked = [each.model_copy(update={"version": 2}) for each in gone]
    assert not [each for each in plan(second, looked, ALL_MADE).actions if isinstance(each, LookForRestored)]


@pytest.mark.parametrize(
    ("shown", "level", "looks"),
    [
        (GuestData.FULL, GuestData.BUSY, True),
        (GuestData.BUSY, GuestData.BUSY, False),
        (GuestData.BUSY, GuestData.FULL, False),
        (None, GuestData.BUSY, False),
    ],
)
def test_deleted_events_that_showed_more_of_a_guest_are_looked_for(
    shown: GuestData | None, level: GuestData, *, looks: bool
) -> None:
    cancelled = reservation(status="cancelled", version=2)
    update = {"version": 2, "guest_data": shown}
    gone = [each.model_copy(update=update) for each in done(NEW[:1], present=False)]
    lowered = calendar(TOUR).model_copy(update={"settings": OwnerSettings(name="x", guest_data=level)})
    assert [type(each) for each in plan(cancelled, gone, [lowered]).actions] == [LookForRestored] * looks


@pytest.mark.parametrize(
    ("made", "looks"),
    [
        (calendar(TOUR, sync=False), False),
        (calendar(TOUR, connected=False), False),
        (calendar(TOUR, made=False), True),
        (calendar(TOUR).model_copy(update={"calendar_id": "the next one"}), True),
    ],
)
def test_deleted_events_are_looked_for_where_it_may_be_written_also_if_their_calendar_is_gone(
    made: ManagedCalendar, *, looks: bool
) -> None:
    gone = done(plan(reservation(item(resources=())), [], ALL_MADE).actions, present=False)
    steps = plan(reservation(item(), version=2, status=ReservationStatus.CANCELLED), gone, [made])
    assert summaries(steps) == (["LookForRestored 1@product:sunset-tour"] if looks else [])
