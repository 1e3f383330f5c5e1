"""Reservations in the order in which they go on: those that start soonest first, those that are over last."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from sqlalchemy import ColumnElement, case, func, literal, tuple_

from slotsync.store.database.base import Instant, table_of
from slotsync.store.tables.reservations import ReservationRow

_TABLE = table_of(ReservationRow)


@dataclass(frozen=True)
class StartPosition:
    """The position of a reservation in the order; ``text`` is its form outside, in which ids have no spaces."""

    over: int
    starts_at: datetime
    id: str

    @classmethod
    def read(cls, text: str) -> Self | None:
        """Return the position in a text, or None if it is none: of a former version, say."""
        over, _, rest = text.partition(" ")
        starts_at, _, reservation = rest.partition(" ")
        return cls(int(over), datetime.fromisoformat(starts_at), reservation) if reservation else None

    @property
    def text(self) -> str:
        """The position as a text."""
        return f"{self.over} {self.starts_at.isoformat()} {self.id}"


def start_order(now: datetime) -> tuple[ColumnElement[int], ColumnElement[datetime], ColumnElement[str]]:
    """Return the columns to sort reservations by. One without times counts as one that starts now."""
    over = case((_TABLE.c.ends_at <= now, 1), else_=0)
    return over, func.coalesce(_TABLE.c.starts_at, _TABLE.c.ends_at, literal(now, Instant)), _TABLE.c.id


def is_after(position: StartPosition, now: datetime) -> ColumnElement[bool]:
    """Return the condition for the reservations behind this position."""
    found = literal(position.over), literal(position.starts_at, Instant), literal(position.id)
    return tuple_(*start_order(now)) > tuple_(*found)
