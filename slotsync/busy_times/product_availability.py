"""Compute a product's availability from what the store holds; never asks Google."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from pydantic import Field
from sqlmodel import select

from slotsync.domain.availability.availability import Availability, Reading, Readings, compute_availability
from slotsync.domain.availability.blocking import BlockingRule
from slotsync.domain.availability.explanation import NOT_CONNECTED, WATCHING_STOPPED, Explanation, explain, note
from slotsync.domain.availability.horizon import Horizon
from slotsync.domain.availability.intervals import Interval
from slotsync.domain.availability.messages import ProductKey
from slotsync.domain.calendars.owner import Owner
from slotsync.domain.connections.connection import FREEBUSY, ConnectionState, missing_scopes
from slotsync.domain.health import Blocker, blocker_for_error
from slotsync.domain.messages import Message
from slotsync.secrets import Vault
from slotsync.store.audit_log import AuditLog
from slotsync.store.availability.blocking_calendars import BlockingCalendars
from slotsync.store.availability.busy_readings import BusyReadings
from slotsync.store.availability.watched_products import WatchedProducts
from slotsync.store.calendars.owners import Owners
from slotsync.store.connections.connection_views import ConnectionViews
from slotsync.store.database.engine import Store
from slotsync.store.tables.connections import ConnectionRow


@dataclass(frozen=True, repr=False)
class AvailabilityInputs:
    """A product's rule, the names of the calendars that block it by their ids, and their readings.

    If the merchant is not ``connected``, or an operator has ``stopped`` the watching, no reading is current any more.
    ``granted`` are the scopes of a merchant that is connected.
    """

    rule: BlockingRule
    calendars: Mapping[str, str]
    readings: Readings
    connection_id: str | None
    connected: bool
    granted: tuple[str, ...] = ()
    stopped: bool = False

    def compute_availability(self, interval: Interval, now: datetime) -> Availability:
        """Return what is known of this interval."""
        return compute_availability(self.readings, self.calendars, interval, now, self.rule)


class ProductAvailability:
    """Availability of products by the last readings; never asks Google."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store = store
        self._owners = Owners(store)
        self._blocking_calendars = BlockingCalendars(store, vault)
        self._readings = BusyReadings(store, vault)
        self._watched = WatchedProducts(store)

    def get_availability(self, merchant: str, product: str, interval: Interval, now: datetime) -> Availability | None:
        """Return when the product is busy or unknown, or None if the product does not exist."""
        inputs = self.get_inputs(merchant, product, now)
        return inputs.compute_availability(interval, now) if inputs else None

    def get_explanation(self, merchant: str, product: str, at: datetime, now: datetime) -> Explanation | None:
        """Return why the product is free, busy or unknown at a moment, or None if the product does not exist."""
        inputs = self.get_inputs(merchant, product, now)
        if inputs is None:
            return None
        explanation = explain(inputs.readings, inputs.calendars, at, now, inputs.rule)
        if inputs.stopped:
            return note(explanation, WATCHING_STOPPED)
        return explanation if inputs.connected else note(explanation, NOT_CONNECTED)

    def get_connection_id(self, merchant: str) -> str | None:
        """Return the merchant's connection, active or not, or None if there never was one."""
        return self._connection(merchant)[0]

    def get_inputs(self, merchant: str, product: str, now: datetime) -> AvailabilityInputs | None:
        """Return all that the product's availability is computed from, or None if the product does not exist."""
        owner = Owner.product(product)
        settings = self._owners.get(merchant, owner)
        if settings is None:
            return None
        calendars = {each.id: each.name for each in self._blocking_calendars.get_calendars(merchant, owner)}
        connection_id, connected, granted = self._connection(merchant)
        stopped = self._watched.is_stopped(ProductKey(merchant=merchant, product=product))
        readings = self._readings.get_readings(connection_id, calendars, now) if connection_id and calendars else {}
        return AvailabilityInputs(
            rule=BlockingRule.from_settings(settings),
            calendars=calendars,
            readings=readings if connected and not stopped else _expired(readings, now),
            connection_id=connection_id,
            connected=connected,
            granted=granted,
            stopped=stopped,
        )

    def _connection(self, merchant: str) -> tuple[str | None, bool, tuple[str, ...]]:
        """Return the merchant's connection, whether it is active, and what is granted if it is."""
        query = select(ConnectionRow.id, ConnectionRow.state, ConnectionRow.scopes)
        with self._store.read() as session:
            found = session.exec(query.where(ConnectionRow.merchant == merchant)).first()
        if found is None:
            return None, False, ()
        connection_id, state, scopes = found
        connected = state == ConnectionState.ACTIVE.value
        return connection_id, connected, tuple(scopes.split()) if connected else ()


def _expired(readings: Readings, now: datetime) -> dict[str, list[Reading]]:
    """Return the readings as no longer current: they count only where the merchant chose to use the last known."""
    return {calendar: [_expire(each, now) for each in some] for calendar, some in readings.items()}


def _expire(reading: Reading, now: datetime) -> Reading:
    return reading.model_copy(update={"good_until": min(reading.good_until, now)})


class ProductState(Message):
    """A product as the store knows it now.

    ``connection_id`` is its merchant's, if there ever was one; ``calendar_ids`` are those that block
    it; ``trouble`` is why some of it cannot be read; with a ``blocker`` nothing can be read until a person
    acts. At ``expires_at`` the first reading is no longer current, or no longer counts as last known, or the horizon
    moves on by a day. ``stopped``: an operator has stopped the watching.
    """

    availability: Availability
    connection_id: str | None = None
    calendar_ids: frozenset[str] = Field(default=frozenset(), repr=False)
    trouble: str = ""
    blocker: Blocker | None = None
    stopped: bool = False
    expires_at: datetime | None = None


class ProductStates:
    """States of products by what the store holds; never asks Google."""

    def __init__(self, store: Store, vault: Vault, horizon: Horizon) -> None:
        self._availability = ProductAvailability(store, vault)
        self._connections = ConnectionViews(store, vault, {FREEBUSY})
        self._watched = WatchedProducts(store, AuditLog(store, vault))
        self._horizon = horizon

    def take_up(self, key: ProductKey) -> None:
        """Record that the product's workflow looks at it now."""
        self._watched.take_up(key)

    def stop(self, key: ProductKey, now: datetime, *, watched: bool) -> None:
        """Record that an operator has stopped the watching: from now on nothing is known of the product.

        With ``watched`` it had begun: what was picked since is not stopped.
        """
        self._watched.stop(key, now, watched=watched)

    def get_connection_id(self, merchant: str) -> str | None:
        """Return the merchant's connection, active or not, or None if there never was one."""
        return self._availability.get_connection_id(merchant)

    def get_state(self, merchant: str, product: str, now: datetime) -> ProductState:
        """Return the product's state. A product that does not exist is free, and no calendar blocks it."""
        inputs = self._availability.get_inputs(merchant, product, now)
        interval = _whole_days(now, self._horizon)
        if inputs is None:
            return ProductState(availability=Availability(span=interval, checked_at=None, complete=True, slots=()))
        tomorrow = interval.start + timedelta(days=1)
        expires_at = min(moment for moment in (tomorrow, *_expiries(inputs)) if moment > now)
        return ProductState(
            availability=inputs.compute_availability(interval, now),
            connection_id=inputs.connection_id,
            calendar_ids=frozenset(inputs.calendars),
            trouble=_trouble(inputs),
            blocker=_limit(self._blocker(merchant, inputs), expires_at - now) if inputs.calendars else None,
            stopped=inputs.stopped,
            expires_at=expires_at,
        )

    def _blocker(self, merchant: str, inputs: AvailabilityInputs) -> Blocker | None:
        if inputs.connected and not missing_scopes(inputs.granted, {FREEBUSY}):
            return None
        view = self._connections.get_view(merchant)
        if view.state is not ConnectionState.ACTIVE:
            refusal = view.last_error if view.state is ConnectionState.REVOKED else None
            return blocker_for_error("GrantLost", refusal or view.state)
        return blocker_for_error("ScopeMissing", "freebusy_not_allowed") if view.missing else None


def _whole_days(now: datetime, horizon: Horizon) -> Interval:
    """Return the horizon in whole UTC days, so that it moves on once a day."""
    today = datetime.combine(now.astimezone(UTC).date(), time(), UTC)
    return Interval(start=today, end=today + timedelta(days=horizon.days))


def _trouble(inputs: AvailabilityInputs) -> str:
    """Return why the newest attempt at some calendar failed, or "". Of several reasons it is always the same one."""
    newest = (max(some, key=lambda each: each.read_at) for some in inputs.readings.values() if some)
    return min((each.error for each in newest if each.error), default="")


def _expiries(inputs: AvailabilityInputs) -> Iterator[datetime]:
    """Yield when readings are no longer current, and when they no longer count as last known."""
    for reading in (each for some in inputs.readings.values() for each in some if not each.error):
        yield reading.good_until
        yield reading.read_at + inputs.rule.last_known


def _limit(blocker: Blocker | None, longest: timedelta) -> Blocker | None:
    """Return the blocker with a wait no longer than the product's state lasts: a change has to be published."""
    return blocker and blocker.model_copy(update={"look_again": min(blocker.look_again, longest)})
