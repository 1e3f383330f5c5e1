"""Messages that are kept: listed page by page, sent again in order, skipped with a reason, and forgotten in the end."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from slotsync.domain.kept_messages import MessageFilter
from slotsync.domain.webhooks import Attempt, MessageState, WebhookType
from slotsync.secrets import Vault
from slotsync.store.audit_log import AuditLog
from slotsync.store.database.base import table_of
from slotsync.store.database.engine import Store
from slotsync.store.message_history import LATE_AFTER, MAX_USUAL_WAIT, MessageHistory
from slotsync.store.tables.webhooks import WebhookAttemptRow
from slotsync.store.webhook_messages import MAX_ATTEMPTS_KEPT, WebhookMessages
from tests.support.stored_messages import KEY, accept_message, put_message, refuse_message, waiting_bodies

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ALL = MessageFilter()


@pytest.fixture
def messages(store: Store, vault: Vault) -> WebhookMessages:
    """The messages, of which three were made, a minute after each other."""
    for number in (1, 2, 3):
        put_message(store, vault, f"m-{number}", f'{{"number": {number}}}', NOON + number * MINUTE, number=number)
    return WebhookMessages(store, vault)


@pytest.fixture
def history(store: Store, vault: Vault, messages: WebhookMessages) -> MessageHistory:
    assert messages.count(KEY) == 3
    return MessageHistory(store, vault, AuditLog(store, vault))


def states(history: MessageHistory, chosen: MessageFilter = ALL) -> dict[str, MessageState]:
    return {each.id: each.state for each in history.list_messages("m", chosen, 10)}


def test_an_accepted_message_waits_no_more_and_can_still_be_read(
    store: Store, vault: Vault, history: MessageHistory, messages: WebhookMessages
) -> None:
    refuse_message(store, vault, "m-1")
    accept_message(store, vault, "m-1")
    assert list(waiting_bodies(store, vault)) == ["m-2", "m-3"]
    assert messages.count(KEY) == 2
    view = history.get("m", "m-1")
    assert view
    assert (view.state, view.attempts, view.last_status, view.body) == (MessageState.ACCEPTED, 2, 204, {"number": 1})
    assert [(each.number, each.status, each.answer) for each in view.last_attempts] == [
        (1, 503, "we are closed"),
        (2, 204, None),
    ]


def test_pages_have_every_message_once_in_the_order_of_time(history: MessageHistory) -> None:
    first = history.list_messages("m", ALL, 2)
    last = first[-1]
    second = history.list_messages("m", ALL, 2, (last.created_at, last.id))
    assert [each.id for each in (*first, *second)] == ["m-1", "m-2", "m-3"]
    assert history.list_messages("other", ALL, 2) == []
    assert history.get("other", "m-1") is None


@pytest.mark.parametrize(
    ("chosen", "found"),
    [
        (MessageFilter(state=MessageState.ACCEPTED), ["m-1"]),
        (MessageFilter(type=WebhookType.AVAILABILITY_CHANGED), ["m-1", "m-2", "m-3"]),
        (MessageFilter(type=WebhookType.CONFLICT_FOUND), []),
        (MessageFilter(product="tour"), ["m-1", "m-2", "m-3"]),
        (MessageFilter(product="kayak"), []),
        (MessageFilter(start=NOON + 2 * MINUTE), ["m-2", "m-3"]),
        (MessageFilter(end=NOON + 2 * MINUTE), ["m-1"]),
    ],
)
def test_a_filter_chooses_by_state_type_product_and_time(
    store: Store, vault: Vault, history: MessageHistory, chosen: MessageFilter, found: list[str]
) -> None:
    accept_message(store, vault, "m-1")
    assert list(states(history, chosen)) == found


def test_messages_are_sent_again_in_order_and_before_newer_ones(
    store: Store, vault: Vault, history: MessageHistory, messages: WebhookMessages
) -> None:
    for name in ("m-1", "m-2"):
        accept_message(store, vault, name)
    assert history.resend("m", ALL, NOON) == [KEY, KEY]
    assert messages.find_due(NOON) == [KEY]
    assert list(waiting_bodies(store, vault)) == ["m-1", "m-2", "m-3"]
    with store.write() as connection:
        assert messages.withdraw_newest(connection, KEY) == '{"number": 3}'
        assert messages.withdraw_newest(connection, KEY) is None, "the platform may know the others already"


def test_what_waits_is_not_sent_again_and_nothing_of_another_merchant(
    store: Store, vault: Vault, history: MessageHistory
) -> None:
    accept_message(store, vault, "m-1")
    assert history.resend("m", MessageFilter(id="m-2"), NOON) == []
    assert history.resend("other", ALL, NOON) == []
    assert states(history)["m-1"] is MessageState.ACCEPTED


def test_a_skipped_message_lets_the_next_one_go_and_stands_in_the_audit_log(
    store: Store, vault: Vault, history: MessageHistory, messages: WebhookMessages
) -> None:
    assert history.skip("other", "m-1", "not yours", NOON) is None
    assert history.skip("m", "m-1", "the receiver cannot read it", NOON) == KEY
    assert history.skip("m", "m-1", "again", NOON) is None
    message = messages.take_next(KEY, NOON)
    assert message
    assert message.id == "m-2"
    (entry,) = AuditLog(store, vault).list_entries("m", 10)
    assert entry.detail
    assert (entry.action, entry.detail.subject) == ("message.skipped", "message:m-1")
    assert entry.detail.after == {"reason": "the receiver cannot read it"}


def test_a_skipped_message_that_the_platform_accepts_after_all_is_accepted(
    store: Store, vault: Vault, history: MessageHistory
) -> None:
    history.skip("m", "m-1", "too slow", NOON)
    accept_message(store, vault, "m-1")
    assert states(history)["m-1"] is MessageState.ACCEPTED


def test_only_the_last_attempts_are_kept_and_all_are_counted(
    store: Store, vault: Vault, history: MessageHistory
) -> None:
    for _ in range(MAX_ATTEMPTS_KEPT + 3):
        refuse_message(store, vault, "m-1")
    view = history.get("m", "m-1")
    assert view
    assert view.attempts == MAX_ATTEMPTS_KEPT + 3
    assert [each.number for each in view.last_attempts] == list(range(4, MAX_ATTEMPTS_KEPT + 4))


def test_messages_that_were_accepted_long_ago_are_deleted_with_their_attempts_and_what_waits_is_kept(
    store: Store, vault: Vault, history: MessageHistory, messages: WebhookMessages
) -> None:
    accepted = Attempt(at=NOON, duration_ms=5, status=200)
    messages.record_attempt("m", "m-1", accepted)
    messages.record_attempt("m", "m-2", accepted.model_copy(update={"at": NOON + MINUTE}))
    refuse_message(store, vault, "m-3")
    assert messages.delete_settled(NOON + MINUTE, 10) == 1
    assert list(states(history)) == ["m-2", "m-3"]
    attempts = select(func.count()).select_from(table_of(WebhookAttemptRow))
    with store.read() as session:
        assert session.connection().execute(attempts).scalar_one() == 2


def test_messages_count_as_refused_after_a_while_or_once_the_platform_says_gone(
    store: Store, vault: Vault, history: MessageHistory
) -> None:
    refuse_message(store, vault, "m-1", 503)
    assert history.count(NOON + 4 * MINUTE) == (3, 0, 0)
    assert history.count(NOON + LATE_AFTER + 3 * MINUTE) == (3, 2, 0)
    refuse_message(store, vault, "m-1", 410)
    assert history.count(NOON + 4 * MINUTE) == (3, 0, 1)
    accept_message(store, vault, "m-1")
    assert history.count(NOON + MAX_USUAL_WAIT + 4 * MINUTE) == (2, 2, 2)
