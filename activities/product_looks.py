"""How a product stands: its availability over the whole horizon, and what is in the way of knowing it."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

from slotsync.rules.availability import Availability
from slotsync.rules.connection import FREEBUSY, ConnectionState, missing
from slotsync.rules.holding import Hold, hold_after
from slotsync.rules.horizon import Horizon
from slotsync.rules.message import Message
from slotsync.rules.span import Span
from slotsync.secrets import Vault
from slotsync.store.answers import Answers, Ground
from slotsync.store.connection_views import ConnectionViews
from slotsync.store.store import Store


class Look(Message):
    """A product as the store knows it now.

    ``connection_id`` is its merchant's, if there ever was one; ``calendars`` is how many block it; ``trouble`` is why
    some of it cannot be read; with a ``hold`` nothing can be until a person acts. At ``expires_at`` the first of the
    readings is believed no longer, or counts no longer as what was known last, or another day comes into sight.
    """

    availability: Availability
    connection_id: str | None = None
    calendars: int = 0
    trouble: str = ""
    hold: Hold | None = None
    expires_at: datetime | None = None


class ProductLooks:
    """Looks at products in the store; never asks Google."""

    def __init__(self, store: Store, vault: Vault, horizon: Horizon) -> None:
        self._answers = Answers(store, vault)
        self._connections = ConnectionViews(store, vault, {FREEBUSY})
        self._horizon = horizon

    def connection_id(self, merchant: str) -> str | None:
        """The connection of the merchant, active or not; nothing if there never was one."""
        return self._answers.connection_id(merchant)

    def look(self, merchant: str, product: str, now: datetime) -> Look:
        """The product now; one that nobody knows is free, and blocked by nothing."""
        ground = self._answers.ground(merchant, product, now)
        span = _whole(now, self._horizon)
        if ground is None:
            return Look(availability=Availability(span=span, checked_at=None, complete=True, slots=()))
        moved_on = span.start + timedelta(days=1)
        expires_at = min(moment for moment in (moved_on, *_ends(ground)) if moment > now)
        return Look(
            availability=ground.availability(span, now),
            connection_id=ground.connection_id,
            calendars=len(ground.calendars),
            trouble=_trouble(ground),
            hold=_until(expires_at, self._hold(merchant, ground), now) if ground.calendars else None,
            expires_at=expires_at,
        )

    def _hold(self, merchant: str, ground: Ground) -> Hold | None:
        if ground.connected and not missing(ground.granted, {FREEBUSY}):
            return None
        view = self._connections.of(merchant)
        if view.state is not ConnectionState.ACTIVE:
            return hold_after("GrantLost", view.state)
        return hold_after("ScopeMissing", "freebusy_not_allowed") if view.missing else None


def _whole(now: datetime, horizon: Horizon) -> Span:
    """The horizon in whole UTC days, so that it moves on once a day."""
    today = datetime.combine(now.astimezone(UTC).date(), time(), UTC)
    return Span(start=today, end=today + timedelta(days=horizon.days))


def _trouble(ground: Ground) -> str:
    """The reason that the newest attempt at some calendar failed with; of several always the same one."""
    newest = (max(some, key=lambda each: each.read_at) for some in ground.readings.values() if some)
    return min((each.error for each in newest if each.error), default="")


def _ends(ground: Ground) -> Iterator[datetime]:
    """When readings are believed no longer, and when they no longer count as what was known last."""
    for reading in (each for some in ground.readings.values() for each in some if not each.error):
        yield reading.good_until
        yield reading.read_at + ground.rule.last_known


def _until(expires_at: datetime, hold: Hold | None, now: datetime) -> Hold | None:
    """The same, but no longer than the product stays as it is: the platform is told when it does not."""
    return hold and hold.model_copy(update={"look_again": min(hold.look_again, expires_at - now)})
