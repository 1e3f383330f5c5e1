"""The numbers of items without ids: an item keeps its number, and so its events, from version to version."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

from slotsync.domain.reservations.snapshot import Item


@dataclass(frozen=True)
class ItemNumbers:
    """The keys of items, in their order: an id, or a number; ``last`` is the highest number that was ever given."""

    keys: tuple[str, ...]
    last: int


def number_items(items: Sequence[Item], former: Mapping[str, Item], last: int = 0) -> ItemNumbers:
    """Return the keys of a version's items, by those of the version before, in their order.

    An item without an id keeps its number if product, resources and time are equal, else if product and time are, else
    if none of these has it and it is in the same place: then it was changed. A new item gets a number that none had:
    what the merchant has added to the event of another one is not shown with it.
    """
    if not former:
        positions = tuple(item.id or str(position) for position, item in enumerate(items, 1))
        return ItemNumbers(positions, _find_last(zip(positions, items, strict=True)))
    keys = {place: item.id for place, item in enumerate(items) if item.id}
    left = {key: item for key, item in former.items() if key not in keys.values()}
    for place, key in _keep(items, keys, left, list(former)):
        keys[place] = key
        del left[key]
    last = max(last, _find_last(former.items()))
    unused = (number for number in count(last + 1) if str(number) not in keys.values())
    for place in range(len(items)):
        if place not in keys:
            last = next(unused)
            keys[place] = str(last)
    return ItemNumbers(tuple(keys[place] for place in range(len(items))), last)


def _find_last(items: Iterable[tuple[str, Item]]) -> int:
    """Return the highest number of items without an id, which may have kept the id of a former version."""
    return max((int(key) for key, item in items if not item.id and key.isascii() and key.isdecimal()), default=0)


Alike = Callable[[Item, Item], bool]


def _keep(
    items: Sequence[Item], keys: Mapping[int, str], left: Mapping[str, Item], former: Sequence[str]
) -> Iterator[tuple[int, str]]:
    """Yield the places of items that keep a key, with the key, which is moved from ``left`` to ``keys`` then."""
    for alike in (_are_equal, _are_at_one_time):
        for place, item in enumerate(items):
            if place not in keys and (key := _find(item, left, former[place : place + 1], alike)):
                yield place, key
    for place, key in enumerate(former[: len(items)]):
        if place not in keys and key in left:
            yield place, key


def _find(item: Item, left: Mapping[str, Item], preferred: Sequence[str], alike: Alike) -> str | None:
    in_order = (*(key for key in preferred if key in left), *left)
    return next((key for key in in_order if alike(left[key], item)), None)


def _are_equal(first: Item, second: Item) -> bool:
    return _are_at_one_time(first, second) and {*first.resources} == {*second.resources}


def _are_at_one_time(first: Item, second: Item) -> bool:
    return (first.product, first.start, first.end) == (second.product, second.start, second.end)
