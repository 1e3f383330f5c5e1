"""Reservations as a platform may tell them: booked, changed, cancelled, taken up again, with items and resources that
come and go, in any order.
"""

from collections.abc import Iterable, Iterator
from random import Random

from slotsync.domain.calendars.owner import Owner
from slotsync.domain.reservations.snapshot import Item, Reservation, ReservationStatus
from tests.support.samples import item, snapshot

PRODUCTS = ("sunset-tour", "seal-tour", "river-tour")
RESOURCES = ("guide-1", "guide-2", "boat-1")
OWNERS = (*map(Owner.product, PRODUCTS), *map(Owner.resource, RESOURCES))

STATUSES = (ReservationStatus.CONFIRMED, ReservationStatus.TENTATIVE, ReservationStatus.CANCELLED)
OFTEN = (6, 2, 2)
"""How often a snapshot has each of the statuses."""

OVERTAKES = 2.5
"""How many versions a snapshot may arrive too early or too late."""


def stories(chance: Random, count: int) -> list[Reservation]:
    """Every snapshot of so many reservations, each told in one to six versions, in order."""
    return [
        _told(chance, f"R-{number}", version)
        for number in range(1, count + 1)
        for version in range(1, chance.randint(1, 6) + 1)
    ]


def newest_of(reports: Iterable[Reservation]) -> list[Reservation]:
    """The highest version of each reservation."""
    return list({each.id: each for each in sorted(reports, key=lambda each: each.version)}.values())


def disordered(chance: Random, reports: Iterable[Reservation]) -> list[Reservation]:
    """The reservations mixed, versions that overtake each other, and every fourth snapshot told twice."""
    arrivals = [(each.version + chance.uniform(0, OVERTAKES), each) for each in _some_twice(chance, reports)]
    return [each for _, each in sorted(arrivals, key=lambda arrival: arrival[0])]


def _some_twice(chance: Random, reports: Iterable[Reservation]) -> Iterator[Reservation]:
    for each in reports:
        yield each
        if chance.random() < 1 / 4:
            yield each


def _told(chance: Random, name: str, version: int) -> Reservation:
    items = [_item(chance) for _ in range(chance.randint(1, 3))]
    (status,) = chance.choices(STATUSES, OFTEN)
    return snapshot(version, *items, name=name, status=status, title=f"{name} as of {version}")


def _item(chance: Random) -> Item:
    resources = chance.sample(RESOURCES, chance.randint(0, 2))
    return item(chance.choice(PRODUCTS), resources, day=chance.randint(1, 28))
