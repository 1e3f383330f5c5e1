"""Count what nobody has taken up, and what operators have stopped."""

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from slotsync.secrets import Vault
from slotsync.store.availability.watched_products import WatchedProducts
from slotsync.store.calendars.merchant_switches import MerchantSwitches
from slotsync.store.calendars.owners import Owners
from slotsync.store.connections.connection_intents import ConnectionIntents
from slotsync.store.database.due_rows import Key
from slotsync.store.database.engine import Store
from slotsync.store.reservations.reservations import Reservations
from slotsync.store.webhook_messages import WebhookMessages

MESSAGES: Final = "messages"
"""The kind of what the platform has not taken, rather than a worker."""

OVERDUE_AFTER: Final = timedelta(minutes=10)
"""Some sweeps have missed it: no worker runs, or Temporal does not answer."""


class IntentCount(NamedTuple):
    """The number of one kind that should have been taken up long ago, and the number that an operator has stopped.

    ``problems`` are those of which the last full sweep found that their workflow cannot go on.
    """

    kind: str
    overdue: int
    stopped: int
    problems: int = 0


class IntentCounts:
    """Counts by the store, with one indexed query for each number."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._messages = WebhookMessages(store, vault)
        self._reservations = Reservations(store, vault)
        self._by_kind = {
            "calendars": Owners(store).due_rows,
            "products": WatchedProducts(store).due_rows,
            "connections": ConnectionIntents(store).due_rows,
            "switches": MerchantSwitches(store).due_rows,
        }

    def get(self, now: datetime) -> list[IntentCount]:
        """Return the counts of all kinds."""
        before = now - OVERDUE_AFTER
        rows = self._reservations.due_rows
        reservations = IntentCount(
            "reservations", self._reservations.count_overdue(before), rows.count_stopped(), rows.count_problems()
        )
        others = [
            IntentCount(kind, rows.count_overdue(before), rows.count_stopped(), rows.count_problems())
            for kind, rows in self._by_kind.items()
        ]
        return [reservations, *others, IntentCount(MESSAGES, self._messages.count_overdue(before), 0)]

    def find_stopped(self, limit: int, merchant: str | None = None) -> list[Key]:
        """Return the keys of what operators have stopped, of one merchant or of all: the merchant is the first part."""
        kinds = (self._reservations.due_rows, *self._by_kind.values())
        return [key for rows in kinds for key in rows.find_stopped(limit, merchant)][:limit]
