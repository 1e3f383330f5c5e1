"""Random reservations as a platform may report them: booked, changed, cancelled and reopened, with items and resources
that are added and removed, in any order.
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
STATUS_WEIGHTS = (6, 2, 2)
"""The relative frequencies of the statuses."""

MAX_DISORDER = 2.5
"""The number of versions by which a snapshot may arrive too late."""


def stories(chance: Random, count: int, *, item_ids: bool = False) -> list[Reservation]:
    """Return all snapshots of ``count`` reservations, each with one to six versions, in order."""
    return [
        _snapshot(chance, f"R-{number}", version, item_ids=item_ids)
        for number in range(1, count + 1)
        for version in range(1, chance.randint(1, 6) + 1)
    ]


def newest_of(reports: Iterable[Reservation]) -> list[Reservation]:
    """Return the highest version of each reservation."""
    return list({each.id: each for each in sorted(reports, key=lambda each: each.version)}.values())


def disordered(chance: Random, reports: Iterable[Reservation]) -> list[Reservation]:
    """Return the reports mixed: versions overtake each other, and a quarter of the snapshots comes twice."""
    arrivals = [(each.version + chance.uniform(0, MAX_DISORDER), each) for each in _repeat_some(chance, reports)]
    return [each for _, each in sorted(arrivals, key=lambda arrival: arrival[0])]


def _repeat_some(chance: Random, reports: Iterable[Reservation]) -> Iterator[Reservation]:
    for each in reports:
        yield each
        if chance.random() < 1 / 4:
            yield each


def _snapshot(chance: Random, name: str, version: int, *, item_ids: bool) -> Reservation:
    ids = [f"item-{number}" if item_ids else None for number in range(chance.randint(1, 3))]
    items = [_random_item(chance, each) for each in ids]
    (status,) = chance.choices(STATUSES, STATUS_WEIGHTS)
    return snapshot(version, *items, name=name, status=status, title=f"{name} as of {version}")


def _random_item(chance: Random, id_: str | None) -> Item:
    resources = chance.sample(RESOURCES, chance.randint(0, 2))
    return item(chance.choice(PRODUCTS), resources, day=chance.randint(1, 28), id=id_)
