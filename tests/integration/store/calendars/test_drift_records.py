"""Drift is kept with what was done about it, until an audit finds it right, and the platform is told once."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import col, select

from slotsync.domain.availability.messages import merchants_messages
from slotsync.domain.merchant import MerchantDetails
from slotsync.domain.reservations.drift import Drift, DriftAction, DriftAnswer, DriftKind
from slotsync.domain.reservations.event import EventKey
from slotsync.domain.webhooks import DriftFound, Webhook
from slotsync.errors import WrongState
from slotsync.secrets import Vault
from slotsync.store.audit_log import AuditLog
from slotsync.store.calendars.drift_records import KEPT, MAX_DRIFTS_TOLD, CompletedAudit, DriftRecords
from slotsync.store.database.engine import Store
from slotsync.store.merchants import Merchants
from slotsync.store.tables.drift import DriftRow
from slotsync.store.webhook_messages import WebhookMessages
from tests.support.samples import MERCHANT, TOUR

NOW = datetime(2026, 11, 28, 2, tzinfo=UTC)
KEY = EventKey(item="1", owner=TOUR)
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
    repaired = records.answer(MERCHANT, ids["R-1"], DriftAnswer.REPAIR, log, NOW)
    assert repaired
    assert repaired.resolved_at == NOW
    with pytest.raises(WrongState):
        records.answer(MERCHANT, ids["R-1"], DriftAnswer.KEEP, log, NOW)
    records.record(audit(right=["R-2"]))
    with pytest.raises(WrongState):
        records.answer(MERCHANT, ids["R-2"], DriftAnswer.REPAIR, log, NOW)
