"""From its beginning an erasure takes nothing of what it erases, while it waits for Google and deletes nothing yet."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Event

import pytest
from cryptography.fernet import Fernet

from slotsync.domain.audit import WHOLE_MERCHANT, Actor, ActorKind, AuditAction, AuditChange
from slotsync.domain.availability.blocking import PickableCalendar
from slotsync.domain.availability.messages import ProductKey
from slotsync.domain.calendars.owner import Owner, OwnerChanges, Switch
from slotsync.domain.merchant import MerchantDetails
from slotsync.domain.reservations.event import EventKey, WrittenEvent
from slotsync.domain.webhooks import ConflictFound, WebhookType, build_webhook
from slotsync.errors import Erased
from slotsync.secrets import Vault
from slotsync.store.audit_log import AuditLog
from slotsync.store.availability.blocking_calendars import BlockingCalendars
from slotsync.store.calendars.owners import Owners
from slotsync.store.connections.connections import Connections
from slotsync.store.connections.pending_consents import AwaitedStep, PendingConsents
from slotsync.store.database.engine import Store
from slotsync.store.erasures import REPEATED_FOR, Erasures
from slotsync.store.instances import Instances
from slotsync.store.key_rotation import KeyRotation
from slotsync.store.key_usage import KeyUsage
from slotsync.store.merchants import Merchants, ensure_merchant
from slotsync.store.reservations.guest_erasure import GuestErasure
from slotsync.store.reservations.left_events import LeftEventStore
from slotsync.store.reservations.reservations import Reservations
from slotsync.store.reservations.synced_events import SyncedEvents
from slotsync.store.visits import Visits
from slotsync.store.webhook_messages import MessageContent, MessageOrder, WebhookMessages
from tests.support.samples import snapshot

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TOUR = Owner.product("tour")
ERASER = Actor(kind=ActorKind.PROGRAM, name="anna", address="console")
EVENT = WrittenEvent(
    key=EventKey(item="1", owner=TOUR),
    calendar_id="former",
    connection_id="",
    generation=1,
    version=1,
    fingerprint="",
    etag="",
)
WHOLE = AuditChange(action=AuditAction.ERASED, subject=WHOLE_MERCHANT)

INCOMING: dict[str, Callable[[Store, Vault], object]] = {
    "report": lambda store, vault: Reservations(store, vault).report(snapshot(2, merchant="m"), NOW),
    "details": lambda store, vault: Merchants(store, vault).put("m", MerchantDetails(email="a@x.example")),
    "settings": lambda store, _: Owners(store).put("m", TOUR, OwnerChanges(name="Other")),
    "switch": lambda store, _: Owners(store).switch("m", TOUR, Switch(sync=False)),
    "pause": lambda store, _: Owners(store).switch_merchant("m", Switch(sync=False)),
    "deletion": lambda store, _: Owners(store).delete("m", TOUR, remove_events=True),
    "picks": lambda store, vault: BlockingCalendars(store, vault).replace(
        "m", TOUR, [PickableCalendar(id="c", name="C")]
    ),
    "consent": lambda store, vault: PendingConsents(store, vault).put(
        AwaitedStep.ANSWER, "state", merchant="m", browser="b", secret="v"
    ),
    "unneeded grant": lambda store, vault: PendingConsents(store, vault).put_unneeded("m", None, "grant"),
    "grant": lambda store, vault: Connections(store, vault).save_grant("m", "token", {"openid"}, "m@x.example"),
}


def say(store: Store, vault: Vault, message_id: str, body: str, place: int = 0) -> None:
    """Let slotsync have a message for the platform."""
    key, content = ProductKey(merchant="m", product=TOUR.id), MessageContent(WebhookType.CONFLICT_FOUND, body)
    with store.write() as connection:
        WebhookMessages(store, vault).put(connection, message_id, key, MessageOrder(1, place), content, NOW)


@pytest.fixture
def erasures(store: Store, vault: Vault) -> Erasures:
    """A merchant with a product and a reservation."""
    Owners(store).put("m", TOUR, OwnerChanges(name="Tour"))
    Reservations(store, vault).report(snapshot(merchant="m"), NOW)
    return Erasures(store)


def test_nothing_of_a_closed_merchant_is_taken_and_nothing_is_deleted(
    store: Store, vault: Vault, erasures: Erasures
) -> None:
    erasures.close("m", None, NOW)
    for name, come_in in INCOMING.items():
        with pytest.raises(Erased, match="m is being erased"):
            pytest.fail(f"{name} was taken: {come_in(store, vault)}")
    assert erasures.find() == [], "the sweep deletes nothing"
    assert Reservations(store, vault).get("m", "R-1")
    say(store, vault, "m-1", "what slotsync has to say meanwhile")
    erasures.begin("m", None, NOW)
    with pytest.raises(Erased):
        say(store, vault, "m-2", "too late")
    assert [each.merchant for each in erasures.find()] == ["m"]
    erasures.delete_rows("m")
    assert not erasures.is_anything_stored("m")


def test_other_reservations_of_the_merchant_are_taken(store: Store, vault: Vault, erasures: Erasures) -> None:
    erasures.close("m", "R-1", NOW)
    with pytest.raises(Erased, match="R-1 of m"):
        Reservations(store, vault).report(snapshot(2, merchant="m"), NOW)
    Reservations(store, vault).report(snapshot(1, merchant="m", name="R-2"), NOW)
    erasures.forget(NOW + REPEATED_FOR)
    assert Reservations(store, vault).report(snapshot(2, merchant="m"), NOW).result == "accepted"


@pytest.mark.parametrize("begins", [Erasures.close, Erasures.begin])
def test_what_is_being_stored_is_waited_for(
    store: Store, erasures: Erasures, begins: Callable[[Erasures, str, None, datetime], None]
) -> None:
    writing, goes_on = Event(), Event()

    def write() -> None:
        with store.write() as connection:
            ensure_merchant(connection, "m")
            writing.set()
            goes_on.wait()

    with ThreadPoolExecutor() as threads:
        writer = threads.submit(write)
        writing.wait()
        erasure = threads.submit(begins, erasures, "m", None, NOW)
        with pytest.raises(TimeoutError):
            erasure.result(timeout=0.3)
        goes_on.set()
        writer.result()
        erasure.result()


def test_who_erased_a_merchant_is_known_afterwards_and_no_key_counts_as_lost(store: Store) -> None:
    ring = [Fernet.generate_key().decode()]
    Instances(store, Vault(ring)).get_id()
    log, erasures = AuditLog(store, Vault(ring)), Erasures(store)
    Merchants(store, Vault(ring), log).put("m", MerchantDetails(name="Arctic Kayaks"))
    erasures.close("m", None, NOW, lambda connection: log.record(connection, "m", WHOLE, NOW, ERASER))
    erasures.begin("m", None, NOW)
    erasures.delete_rows("m")
    another_process = Vault(ring)
    changed, erased = AuditLog(store, another_process).list_entries("m", 10)
    assert changed.detail is None
    assert erased.detail
    assert erased.detail.by == ERASER
    assert KeyUsage(store, another_process).count_lost() == 0
    assert [each for each in KeyRotation(store, another_process).rotate() if each.lost] == []


def test_visits_and_links_from_before_an_erasure_never_work_again(store: Store, vault: Vault) -> None:
    merchants, visits, erasures = Merchants(store, vault), Visits(store), Erasures(store)
    merchants.put("m", MerchantDetails(name="N"))
    ended, living = store.now() - timedelta(days=2), store.now()
    assert not visits.are_ended("m", living)
    erasures.close("m", None, store.now())
    assert visits.are_ended("m", living), "while the erasure waits"
    assert visits.are_ended("m", store.now()), "none begins"
    erasures.begin("m", None, store.now())
    erasures.delete_rows("m")
    assert visits.are_ended("m", living)
    erasures.forget(store.now() + REPEATED_FOR)
    merchants.put("m", MerchantDetails(name="N"))
    assert visits.are_ended("m", ended)
    assert not visits.are_ended("m", store.now())


def test_what_is_to_be_deleted_in_a_former_account_is_known_after_its_reservation_is_erased(
    store: Store, erasures: Erasures
) -> None:
    left = LeftEventStore(store)
    for name in ("R-1", "R-2"):
        left.leave("m", name, EVENT, NOW, missing=False)
    assert {name for name, _ in left.find_orphans("m", TOUR, "former")} == {"R-2"}, "the other one has a workflow"
    erasures.begin("m", "R-1", NOW)
    erasures.delete_rows("m", "R-1")
    assert left.count("m") == [(TOUR, False, 2)]
    assert {name for name, _ in left.find_orphans("m", TOUR, "former")} == {"R-1", "R-2"}
    left.forget_orphan("m", "R-2", EVENT)
    left.forget("m", TOUR, "former")
    assert left.count("m") == []
    left.leave("m", "R-1", EVENT, NOW, missing=False)
    assert not erasures.is_anything_stored("m", "R-1")
    erasures.begin("m", None, NOW)
    erasures.delete_rows("m")
    assert left.count("m") == []


@pytest.mark.parametrize("present", [False, True])
def test_what_stands_only_in_a_former_account_is_not_waited_for(
    store: Store, vault: Vault, erasures: Erasures, *, present: bool
) -> None:
    reservations, guests = Reservations(store, vault), GuestErasure(store, vault)
    assert guests.cancel("m", "R-1", NOW)
    if present:
        SyncedEvents(store).record_attempt("m", "R-1", EVENT.model_copy(update={"present": True}), NOW)
    assert guests.count_unwritten("m", "R-1") == 1, "nothing is planned yet"
    cancelled = reservations.get_snapshot("m", "R-1")
    assert cancelled
    reservations.record_plan(cancelled, None, (), NOW)
    assert guests.count_unwritten("m", "R-1") == 1, "it is being written"
    reservations.record_wave("m", "R-1", 1, settled=True, debts=True, due_at=None, now=NOW)
    assert guests.count_unwritten("m", "R-1") == present
    assert erasures.is_anything_stored("m", "R-1")


def test_messages_about_conflicts_of_an_erased_reservation_are_not_sent(
    store: Store, vault: Vault, erasures: Erasures
) -> None:
    for place, name in enumerate(("R-1", "R-2"), 1):
        about = {"merchant": "m", "product": TOUR.id, "reservation": name, "item": "1"}
        conflict = ConflictFound.model_validate(about | {"start": NOW, "end": NOW, "busy": ()})
        say(store, vault, name, build_webhook(conflict, NOW).model_dump_json(), place)
    erasures.begin("m", "R-1", NOW)
    messages = WebhookMessages(store, vault)
    messages.forget_reservation("m", "R-1")
    message = messages.take_next(ProductKey(merchant="m", product=TOUR.id), NOW)
    assert message
    assert message.id == "R-2"
    erasure = erasures.get("m", "R-1")
    assert erasure
    assert erasure.counts == {"webhook_message": 1}


def test_a_reader_that_holds_up_the_cleaning_of_the_log_is_told(store: Store, erasures: Erasures) -> None:
    assert store.empty_log()
    with store.read() as session:
        reader = session.connection()
        reader.exec_driver_sql("SELECT count(*) FROM reservation")
        erasures.delete_rows("m", "R-1")
        assert store.empty_log(timedelta()) is (reader.dialect.name != "sqlite")
    assert store.empty_log()
