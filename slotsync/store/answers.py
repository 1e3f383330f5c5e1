"""What is known of products' times, and why, from what was read of the calendars that block them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import select

from slotsync.rules.availability import Availability, Reading, Readings, availability
from slotsync.rules.blocking_rule import BlockingRule
from slotsync.rules.connection import ConnectionState
from slotsync.rules.explanation import Explanation, explain, while_disconnected
from slotsync.rules.owner import Owner
from slotsync.rules.span import Span
from slotsync.secrets import Vault
from slotsync.store.blocking_calendars import BlockingCalendars
from slotsync.store.busy_readings import BusyReadings
from slotsync.store.owners import Owners
from slotsync.store.store import Store
from slotsync.store.tables import ConnectionRow


@dataclass(frozen=True, repr=False)
class Ground:
    """A product's rule, the names of the calendars that block it by their ids, and what was read of them.

    Of a merchant that is not ``connected`` nothing that was read is believed any more. ``granted`` are the scopes of a
    merchant that is.
    """

    rule: BlockingRule
    calendars: Mapping[str, str]
    readings: Readings
    connection_id: str | None
    connected: bool
    granted: tuple[str, ...] = ()

    def availability(self, asked: Span, now: datetime) -> Availability:
        """What is known of this time."""
        return availability(self.readings, self.calendars, asked, now, self.rule)


class Answers:
    """Answers from the last readings; never asks Google."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store = store
        self._owners = Owners(store)
        self._picked = BlockingCalendars(store, vault)
        self._readings = BusyReadings(store, vault)

    def availability(self, merchant: str, product: str, asked: Span, now: datetime) -> Availability | None:
        """When the product is busy or unknown; nothing when nobody knows the product."""
        ground = self.ground(merchant, product, now)
        return ground.availability(asked, now) if ground else None

    def explanation(self, merchant: str, product: str, at: datetime, now: datetime) -> Explanation | None:
        """Why the product is what it is at a moment; nothing when nobody knows the product."""
        ground = self.ground(merchant, product, now)
        if ground is None:
            return None
        told = explain(ground.readings, ground.calendars, at, now, ground.rule)
        return told if ground.connected else while_disconnected(told)

    def connection_id(self, merchant: str) -> str | None:
        """The merchant's connection, active or not; nothing if there never was one."""
        return self._connection(merchant)[0]

    def ground(self, merchant: str, product: str, now: datetime) -> Ground | None:
        """What answers about a product stand on; nothing when nobody knows the product."""
        owner = Owner.product(product)
        settings = self._owners.get(merchant, owner)
        if settings is None:
            return None
        calendars = {each.id: each.name for each in self._picked.of(merchant, owner)}
        connection_id, connected, granted = self._connection(merchant)
        readings = self._readings.of(connection_id, calendars) if connection_id and calendars else {}
        return Ground(
            rule=BlockingRule.chosen_in(settings),
            calendars=calendars,
            readings=readings if connected else _expired(readings, now),
            connection_id=connection_id,
            connected=connected,
            granted=granted,
        )

    def _connection(self, merchant: str) -> tuple[str | None, bool, tuple[str, ...]]:
        """The merchant's connection, whether it is active, and what was granted then."""
        query = select(ConnectionRow.id, ConnectionRow.state, ConnectionRow.scopes)
        with self._store.read() as session:
            found = session.exec(query.where(ConnectionRow.merchant == merchant)).first()
        if found is None:
            return None, False, ()
        connection_id, state, scopes = found
        connected = state == ConnectionState.ACTIVE.value
        return connection_id, connected, tuple(scopes.split()) if connected else ()


def _expired(readings: Readings, now: datetime) -> dict[str, list[Reading]]:
    """The same, but no longer believed: what was known last counts only for who has chosen that."""
    return {name: [_until(each, now) for each in told] for name, told in readings.items()}


def _until(reading: Reading, now: datetime) -> Reading:
    return reading.model_copy(update={"good_until": min(reading.good_until, now)})
