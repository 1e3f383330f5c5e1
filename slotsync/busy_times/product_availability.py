"""A product's availability from what the store holds; never asks Google."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from sqlmodel import select

from slotsync.domain.availability.availability import Availability, Reading, Readings, availability
from slotsync.domain.availability.blocking import BlockingRule
from slotsync.domain.availability.explanation import Explanation, explain, while_disconnected
from slotsync.domain.availability.horizon import Horizon
from slotsync.domain.availability.intervals import Interval
from slotsync.domain.calendars.owner import Owner
from slotsync.domain.connections.connection import FREEBUSY, ConnectionState, missing
from slotsync.domain.health import Blocker
from slotsync.domain.messages import Message
from slotsync.domain.retry_delays import blocker_for_error
from slotsync.secrets import Vault
from slotsync.store.availability.blocking_calendars import BlockingCalendars
from slotsync.store.availability.busy_readings import BusyReadings
from slotsync.store.calendars.owners import Owners
from slotsync.store.connections.connection_views import ConnectionViews
from slotsync.store.database.engine import Store
from slotsync.store.tables.connections import ConnectionRow


@dataclass(frozen=True, repr=False)
class AvailabilityInputs:
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

    def availability(self, asked: Interval, now: datetime) -> Availability:
        """What is known of this time."""
        return availability(self.readings, self.calendars, asked, now, self.rule)


class ProductAvailability:
    """Answers from the last readings; never asks Google."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store = store
        self._owners = Owners(store)
        self._picked = BlockingCalendars(store, vault)
        self._readings = BusyReadings(store, vault)

    def availability(self, merchant: str, product: str, asked: Interval, now: datetime) -> Availability | None:
        """When the product is busy or unknown; nothing when nobody knows the product."""
        inputs = self.inputs(merchant, product, now)
        return inputs.availability(asked, now) if inputs else None

    def explanation(self, merchant: str, product: str, at: datetime, now: datetime) -> Explanation | None:
        """Why the product is what it is at a moment; nothing when nobody knows the product."""
        inputs = self.inputs(merchant, product, now)
        if inputs is None:
            return None
        told = explain(inputs.readings, inputs.calendars, at, now, inputs.rule)
        return told if inputs.connected else while_disconnected(told)

    def connection_id(self, merchant: str) -> str | None:
        """The merchant's connection, active or not; nothing if there never was one."""
        return self._connection(merchant)[0]

    def inputs(self, merchant: str, product: str, now: datetime) -> AvailabilityInputs | None:
        """What answers about a product stand on; nothing when nobody knows the product."""
        owner = Owner.product(product)
        settings = self._owners.get(merchant, owner)
        if settings is None:
            return None
        calendars = {each.id: each.name for each in self._picked.of(merchant, owner)}
        connection_id, connected, granted = self._connection(merchant)
        readings = self._readings.of(connection_id, calendars) if connection_id and calendars else {}
        return AvailabilityInputs(
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
    return {name: [_believed_until(each, now) for each in told] for name, told in readings.items()}


def _believed_until(reading: Reading, now: datetime) -> Reading:
    return reading.model_copy(update={"good_until": min(reading.good_until, now)})


class ProductState(Message):
    """A product as the store knows it now.

    ``connection_id`` is its merchant's, if there ever was one; ``calendars`` is how many block it; ``trouble`` is why
    some of it cannot be read; with a ``hold`` nothing can be until a person acts. At ``expires_at`` the first of the
    readings is believed no longer, or counts no longer as what was known last, or another day comes into sight.
    """

    availability: Availability
    connection_id: str | None = None
    calendars: int = 0
    trouble: str = ""
    hold: Blocker | None = None
    expires_at: datetime | None = None


class ProductStates:
    """Looks at products in the store; never asks Google."""

    def __init__(self, store: Store, vault: Vault, horizon: Horizon) -> None:
        self._answers = ProductAvailability(store, vault)
        self._connections = ConnectionViews(store, vault, {FREEBUSY})
        self._horizon = horizon

    def connection_id(self, merchant: str) -> str | None:
        """The connection of the merchant, active or not; nothing if there never was one."""
        return self._answers.connection_id(merchant)

    def look(self, merchant: str, product: str, now: datetime) -> ProductState:
        """The product now; one that nobody knows is free, and blocked by nothing."""
        inputs = self._answers.inputs(merchant, product, now)
        span = _whole(now, self._horizon)
        if inputs is None:
            return ProductState(availability=Availability(span=span, checked_at=None, complete=True, slots=()))
        moved_on = span.start + timedelta(days=1)
        expires_at = min(moment for moment in (moved_on, *_ends(inputs)) if moment > now)
        return ProductState(
            availability=inputs.availability(span, now),
            connection_id=inputs.connection_id,
            calendars=len(inputs.calendars),
            trouble=_trouble(inputs),
            hold=_until(expires_at, self._hold(merchant, inputs), now) if inputs.calendars else None,
            expires_at=expires_at,
        )

    def _hold(self, merchant: str, inputs: AvailabilityInputs) -> Blocker | None:
        if inputs.connected and not missing(inputs.granted, {FREEBUSY}):
            return None
        view = self._connections.of(merchant)
        if view.state is not ConnectionState.ACTIVE:
            return blocker_for_error("GrantLost", view.state)
        return blocker_for_error("ScopeMissing", "freebusy_not_allowed") if view.missing else None


def _whole(now: datetime, horizon: Horizon) -> Interval:
    """The horizon in whole UTC days, so that it moves on once a day."""
    today = datetime.combine(now.astimezone(UTC).date(), time(), UTC)
    return Interval(start=today, end=today + timedelta(days=horizon.days))


def _trouble(inputs: AvailabilityInputs) -> str:
    """The reason that the newest attempt at some calendar failed with; of several always the same one."""
    newest = (max(some, key=lambda each: each.read_at) for some in inputs.readings.values() if some)
    return min((each.error for each in newest if each.error), default="")


def _ends(inputs: AvailabilityInputs) -> Iterator[datetime]:
    """When readings are believed no longer, and when they no longer count as what was known last."""
    for reading in (each for some in inputs.readings.values() for each in some if not each.error):
        yield reading.good_until
        yield reading.read_at + inputs.rule.last_known


def _until(expires_at: datetime, hold: Blocker | None, now: datetime) -> Blocker | None:
    """The same, but no longer than the product stays as it is: the platform is told when it does not."""
    return hold and hold.model_copy(update={"look_again": min(hold.look_again, expires_at - now)})
