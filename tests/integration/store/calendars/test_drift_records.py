"""Drift is kept with what was done about it, until an audit finds it right, and the platform is told once."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import col, select

from slotsync.domain.availability.messages import merchants_messages
from slotsync.domain.calendars.owner import Owner, OwnerChanges
from slotsync.domain.connections.disconnection import CalendarChoice
from slotsync.domain.merchant import MerchantDetails
from slotsync.domain.reservations.drift import Drift, DriftAction, DriftAnswer, DriftKind
from slotsync.domain.reservations.event import EventKey, WrittenEvent
from slotsync.domain.webhooks import DriftFound, Webhook
from slotsync.errors import WrongState
from slotsync.secrets import Vault
from slotsync.store.audit_log import AuditLog
from slotsync.store.calendars.drift_records import MAX_DRIFTS_TOLD, CompletedAudit, DriftRecords
from slotsync.store.calendars.managed_calendars import ManagedCalendars
from slotsync.store.calendars.owners import Owners
from slotsync.store.connections.connections import Connections
from slotsync.store.connections.disconnections import Disconnections
from slotsync.store.database.engine import Store
from slotsync.store.merchants import Merchants
from slotsync.store.reservations.drift_rows import KEPT
from slotsync.store.reservations.synced_events import SyncedEvents
from slotsync.store.tables.drift import DriftRow
from slotsync.store.webhook_messages import WebhookMessages
from tests.support.samples import MERCHANT, TOUR

NOW = datetime(2026, 11, 28, 2, tzinfo=UTC)
KEY = EventKey(item="1", owner=TOUR)
BOAT = Owner.product("boat")
RENAMED = Drift(kind=DriftKind.CALENDAR_RENAMED, fields=("summary",))


def changed(name: str, *fields: str) -> Drift:
    return Drift(kind=DriftKind.CHANGED, reservation=name, key=KEY, fields=fields or ("summary",))


def audit(*found: Drift, action: DriftAction = DriftAction.REPORT, right: Sequence[str] = ()) -> CompletedAudit:
    return CompletedAudit(
        merchant=MERCHANT,
        owner=TOUR,
        calendar_id="calendar",
        at=NOW,
        found=[(each, action) for each in found],
        right=frozenset((name, KEY) for name in right),
        complete=False,
        sync_token=None,
    )


def records_of(store: Store, vault: Vault) -> DriftRecords:
    Merchants(store, vault).put(MERCHANT, MerchantDetails())
    return DriftRecords(store, WebhookMessages(store, vault))


def test_what_is_reported_is_told_once_and_stays_open_until_it_is_right(store: Store, vault: Vault) -> None:
    records, messages = records_of(store, vault), WebhookMessages(store, vault)
    first = records.record(audit(changed("R-1"), changed("R-2"), RENAMED))
    assert first.new == [changed("R-1"), changed("R-2"), RENAMED]
    assert records.record(audit(changed("R-1"), RENAMED)).new == []
    told = messages.take_next(merchants_messages(MERCHANT), NOW)
    assert told
    assert told.body
    data = Webhook.model_validate_json(told.body).data
    assert isinstance(data, DriftFound)
    assert data.counts == {DriftKind.CHANGED: 2, DriftKind.CALENDAR_RENAMED: 1}
    assert [(each.reservation, each.fields) for each in data.drifts][:1] == [("R-1", ("summary",))]
    assert messages.count(merchants_messages(MERCHANT)) == 1

    other = records.record(audit(changed("R-1", "start", "summary"), right=["R-2"]))
    assert other.new == [changed("R-1", "start", "summary")]
    still = records.find(MERCHANT, 9, only_open=True)
    assert [(each.reservation, each.fields) for each in still] == [("R-1", ("start", "summary"))]
    assert len(records.find(MERCHANT, 9)) == 4
    records.record(replace(audit(), complete=True))
    assert records.find(MERCHANT, 9, only_open=True) == []


def test_what_was_repaired_and_is_found_again_is_new_and_counted(store: Store, vault: Vault) -> None:
    records = records_of(store, vault)
    for _ in range(3):
        recorded = records.record(audit(changed("R-1"), action=DriftAction.REPAIR))
        assert (recorded.new, recorded.repaired) == ([changed("R-1")], 1)
    assert records.count_repairs(MERCHANT, ("R-1", KEY), NOW - timedelta(days=1)) == 3
    assert records.count_repairs(MERCHANT, ("R-1", KEY), NOW) == 0
    assert records.find_repaired(MERCHANT, TOUR, NOW) == ["R-1"]
    assert len(records.find(MERCHANT, 9, only_open=True)) == 1


def test_a_message_is_bounded_and_what_is_long_resolved_is_dropped(store: Store, vault: Vault) -> None:
    records, messages = records_of(store, vault), WebhookMessages(store, vault)
    records.record(audit(*(changed(f"R-{number}") for number in range(MAX_DRIFTS_TOLD + 5))))
    told = messages.take_next(merchants_messages(MERCHANT), NOW)
    assert told
    assert told.body
    data = Webhook.model_validate_json(told.body).data
    assert isinstance(data, DriftFound)
    assert (len(data.drifts), data.counts) == (MAX_DRIFTS_TOLD, {DriftKind.CHANGED: MAX_DRIFTS_TOLD + 5})
    records.record(replace(audit(), complete=True))
    records.record(replace(audit(), at=NOW + KEPT + timedelta(days=1)))
    with store.read() as session:
        assert session.exec(select(DriftRow).where(col(DriftRow.merchant) == MERCHANT)).all() == []


def test_what_somebody_wants_to_be_kept_is_not_asked_again_nor_repaired_until_it_was_right_once(
    store: Store, vault: Vault
) -> None:
    records, log = records_of(store, vault), AuditLog(store, vault)
    records.record(audit(changed("R-1"), action=DriftAction.ASK))
    (asked,) = records.find(MERCHANT, 9, only_open=True)
    assert (asked.action, asked.answer) == (DriftAction.ASK, None)
    for _ in range(2):
        kept = records.answer(MERCHANT, asked.id, DriftAnswer.KEEP, log, NOW)
        assert kept
        assert (kept.answer, kept.resolved_at) == (DriftAnswer.KEEP, None)
    for action in (DriftAction.ASK, DriftAction.REPAIR, DriftAction.REPORT):
        again = records.record(audit(changed("R-1"), action=action))
        assert (again.new, again.repaired) == ([], 0)
    records.record(audit(right=["R-1"]))
    assert records.record(audit(changed("R-1"), action=DriftAction.ASK)).new == [changed("R-1")]
    answers = [each.detail for each in log.list_entries(MERCHANT, 9) if each.action == "drift.answered"]
    assert [each and each.after["answer"] for each in answers] == ["keep"]


def test_an_answer_counts_as_long_as_it_is_asked_for(store: Store, vault: Vault) -> None:
    records, log = records_of(store, vault), AuditLog(store, vault)
    records.record(audit(changed("R-1"), changed("R-2"), action=DriftAction.ASK))
    ids = {each.reservation: each.id for each in records.find(MERCHANT, 9)}
    assert records.answer(MERCHANT, "another", DriftAnswer.KEEP, log, NOW) is None
    assert records.answer("another", ids["R-1"], DriftAnswer.KEEP, log, NOW) is None
    for answer in (DriftAnswer.KEEP, DriftAnswer.REPAIR, DriftAnswer.REPAIR):
        assert records.answer(MERCHANT, ids["R-1"], answer, log, NOW)
    details = [each.detail for each in log.list_entries(MERCHANT, 9) if each.action == "drift.answered"]
    answers = [(each.before.get("answer"), each.after["answer"]) for each in details if each]
    assert sorted(answers, key=str) == [("keep", "repair"), (None, "keep")]
    with pytest.raises(WrongState, match="being put back"):
        records.answer(MERCHANT, ids["R-1"], DriftAnswer.KEEP, log, NOW)
    records.answer(MERCHANT, ids["R-2"], DriftAnswer.KEEP, log, NOW)
    records.record(audit(right=["R-2"]))
    for answer in DriftAnswer:
        with pytest.raises(WrongState, match="still stands"):
            records.answer(MERCHANT, ids["R-2"], answer, log, NOW)


def as_made(drift: Drift, version: int, shape: str) -> Drift:
    return drift.model_copy(update={"version": version, "shape": shape})


def keep(records: DriftRecords, log: AuditLog, drift: Drift) -> None:
    """Ask about the drift, and have it kept."""
    records.record(audit(drift, action=DriftAction.ASK))
    (asked,) = records.find_asked(MERCHANT, 9)
    records.answer(MERCHANT, asked.id, DriftAnswer.KEEP, log, NOW)


@pytest.mark.parametrize(("version", "shape"), [(2, "a"), (1, "b")], ids=["of another version", "made otherwise"])
def test_what_is_kept_is_that_version_as_people_made_it(store: Store, vault: Vault, version: int, shape: str) -> None:
    records, log = records_of(store, vault), AuditLog(store, vault)
    keep(records, log, as_made(changed("R-1"), 1, "a"))
    assert records.record(audit(as_made(changed("R-1"), 1, "a"), action=DriftAction.REPAIR)).new == []
    again = as_made(changed("R-1"), version, shape)
    assert records.record(audit(again, action=DriftAction.ASK)).new == [again]
    (asked,) = records.find(MERCHANT, 9, only_open=True)
    assert asked.answer is None


def test_an_answer_is_about_what_people_have_made_of_it_by_the_last_audit(store: Store, vault: Vault) -> None:
    records, log = records_of(store, vault), AuditLog(store, vault)
    records.record(audit(as_made(changed("R-1"), 1, "a"), action=DriftAction.ASK))
    keep(records, log, as_made(changed("R-1"), 1, "b"))
    assert records.record(audit(as_made(changed("R-1"), 1, "b"), action=DriftAction.ASK)).new == []
    assert len(records.find(MERCHANT, 9)) == 1


def written(name: str, version: int) -> tuple[str, str, WrittenEvent, datetime]:
    """Return the arguments to record a write."""
    event = WrittenEvent(
        key=KEY, calendar_id="calendar", connection_id="c-1", generation=0, version=version, fingerprint="f", etag="e"
    )
    return MERCHANT, name, event, NOW


def test_what_is_to_be_put_right_is_open_until_a_write_or_an_audit_has_shown_it(store: Store, vault: Vault) -> None:
    records, log, events = records_of(store, vault), AuditLog(store, vault), SyncedEvents(store)
    names = ["R-1", "R-2", "R-3"]
    records.record(audit(*map(changed, names), action=DriftAction.ASK))
    before = records.count_open()[DriftAction.REPAIR]
    for each in records.find_asked(MERCHANT, 9):
        answered = records.answer(MERCHANT, each.id, DriftAnswer.REPAIR, log, NOW)
        assert answered
        assert (answered.answer, answered.resolved_at) == (DriftAnswer.REPAIR, None)
    assert records.count_open()[DriftAction.REPAIR] == before + 3
    assert records.find_asked(MERCHANT, 9) == []

    unknown = frozenset((name, KEY) for name in names)
    records.record(replace(audit(), complete=True, unknown=unknown))
    assert sorted(str(each.reservation) for each in records.find(MERCHANT, 9, only_open=True)) == names
    events.record(*written("R-1", 2))
    records.record(audit(right=["R-2"]))
    assert [each.reservation for each in records.find(MERCHANT, 9, only_open=True)] == ["R-3"]


def test_a_write_ends_what_is_kept_unless_it_is_an_older_one(store: Store, vault: Vault) -> None:
    records, log, events = records_of(store, vault), AuditLog(store, vault), SyncedEvents(store)
    events.record(*written("R-1", 2))
    keep(records, log, as_made(changed("R-1"), 2, "a"))
    events.record(*written("R-1", 1))
    assert len(records.find(MERCHANT, 9, only_open=True)) == 1
    events.record(*written("R-1", 3))
    assert records.find(MERCHANT, 9, only_open=True) == []


def dragged(name: str, shape: str = "in boat") -> Drift:
    return Drift(kind=DriftKind.MOVED_TO_CALENDAR, reservation=name, key=KEY, version=1, shape=shape)


@pytest.mark.parametrize("first", [TOUR, BOAT], ids=["seen where it was", "seen where it is"])
def test_what_was_dragged_is_asked_about_once_for_both_calendars(store: Store, vault: Vault, first: Owner) -> None:
    records, log = records_of(store, vault), AuditLog(store, vault)
    second = BOAT if first == TOUR else TOUR
    seen = audit(dragged("R-1"), action=DriftAction.ASK)
    assert records.record(replace(seen, owner=first)).new == [dragged("R-1")]
    assert records.record(replace(seen, owner=second)).new == []
    (asked,) = records.find_asked(MERCHANT, 9)
    records.answer(MERCHANT, asked.id, DriftAnswer.KEEP, log, NOW)
    for owner in (first, second):
        assert records.record(replace(seen, owner=owner)).new == []
    records.record(replace(audit(right=["R-1"]), owner=Owner.product("third")))
    assert len(records.find(MERCHANT, 9, only_open=True)) == 1, "another calendar says nothing of it"
    records.record(audit(right=["R-1"]))
    assert records.find(MERCHANT, 9, only_open=True) == []


def test_audits_at_the_same_time_ask_once(store: Store, vault: Vault) -> None:
    records = records_of(store, vault)
    seen = audit(changed("R-1"), dragged("R-2"), action=DriftAction.ASK)
    with ThreadPoolExecutor(6) as pool:
        recorded = list(pool.map(lambda owner: records.record(replace(seen, owner=owner)), [TOUR, BOAT] * 6))
    assert sorted(each.kind.value for one in recorded for each in one.new) == [
        "changed",
        "changed",
        "moved_to_calendar",
    ]
    assert sorted(str(each.reservation) for each in records.find_asked(MERCHANT, 9)) == ["R-1", "R-1", "R-2"]


def test_an_answer_is_not_lost_to_an_audit_at_the_same_time(store: Store, vault: Vault) -> None:
    records, log = records_of(store, vault), AuditLog(store, vault)
    for _ in range(5):
        records.record(replace(audit(right=["R-1"])))
        records.record(audit(changed("R-1"), action=DriftAction.ASK))
        (asked,) = records.find_asked(MERCHANT, 9)
        with ThreadPoolExecutor(2) as pool:
            kept = pool.submit(records.answer, MERCHANT, asked.id, DriftAnswer.KEEP, log, NOW)
            repaired = pool.submit(records.record, audit(changed("R-1"), action=DriftAction.REPAIR)).result().repaired
        assert repaired == (1 if isinstance(kept.exception(), WrongState) else 0)


GONE = Drift(kind=DriftKind.CALENDAR_DELETED)


def test_what_is_asked_about_a_calendar_a_product_or_a_connection_ends_with_it(store: Store, vault: Vault) -> None:
    records, calendars = records_of(store, vault), ManagedCalendars(store)
    owners, connections = Owners(store, AuditLog(store, vault)), Connections(store, vault)
    connection_id = connections.save_grant(MERCHANT, "a refresh token", ["openid"], "merchant@example.com")
    for owner in (TOUR, BOAT):
        owners.put(MERCHANT, owner, OwnerChanges(name="Any", time_zone="UTC"))

    of_boat = changed("R-2").model_copy(update={"key": EventKey(item="1", owner=BOAT)})

    def ask() -> None:
        for owner, id_, *found in ((TOUR, "calendar", changed("R-1"), GONE), (BOAT, "another", of_boat)):
            calendars.record(MERCHANT, owner, id_, connection_id)
            seen = replace(audit(*found, action=DriftAction.ASK), owner=owner, calendar_id=id_, complete=True)
            records.record(replace(seen, sync_token="token"))

    def still_open() -> set[tuple[str | None, str]]:
        return {(each.reservation, each.kind.value) for each in records.find(MERCHANT, 99, only_open=True)}

    ask()
    calendars.forget(MERCHANT, TOUR, "calendar")
    assert still_open() == {(None, "calendar_deleted"), ("R-2", "changed")}
    ask()
    owners.delete(MERCHANT, TOUR, remove_events=False)
    assert still_open() == {("R-2", "changed")}
    assert records.get_state(MERCHANT, TOUR, "calendar").sync_token is None
    assert records.get_state(MERCHANT, BOAT, "another").sync_token == "token"
    Disconnections(store, vault).request(MERCHANT, CalendarChoice.KEEP, NOW)
    assert still_open() == set()
    assert records.get_state(MERCHANT, BOAT, "another").sync_token is None
