"""The list of products and resources on the settings page: one page of it, of all or of those that a search finds."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from slotsync.domain.calendars.owner import Owner, OwnerKind, OwnerSettings
from starter.settings_page.visit import Visit

OWNERS_PER_PAGE: Final = 50

ListedOwner = tuple[Owner, OwnerSettings]


@dataclass(frozen=True)
class OwnerList:
    """The products and resources of one page, products first, each kind by name.

    ``found`` is how many there are on all pages, ``known`` how many the merchant has, whatever was searched. Of
    ``overridden`` ones, on any page, the platform has changed what the merchant had chosen, which stands.
    """

    shown: Sequence[ListedOwner]
    page: int
    found: int
    known: int
    overridden: Sequence[ListedOwner] = ()

    @property
    def groups(self) -> list[tuple[OwnerKind, list[ListedOwner]]]:
        """The products and the resources of this page; a kind without any is left out."""
        by_kind = [(kind, [each for each in self.shown if each[0].kind is kind]) for kind in OwnerKind]
        return [(kind, listed) for kind, listed in by_kind if listed]

    @property
    def first(self) -> int:
        """The number of the first one that is shown, from 1."""
        return (self.page - 1) * OWNERS_PER_PAGE + 1

    @property
    def last(self) -> int:
        """The number of the last one that is shown."""
        return self.first + len(self.shown) - 1

    @property
    def has_later(self) -> bool:
        """Return whether another page follows."""
        return self.last < self.found

    @property
    def is_long(self) -> bool:
        """Return whether the merchant has more than one page shows."""
        return self.known > OWNERS_PER_PAGE


async def load_owner_list(visit: Visit) -> OwnerList:
    """Return the page of the list that the visit's address names; the last one, if there are fewer."""
    return await asyncio.to_thread(_load, visit)


def _load(visit: Visit) -> OwnerList:
    owners, merchant, search = visit.services.owners, visit.merchant, visit.address.search
    known = owners.count(merchant)
    found = owners.count(merchant, search) if search else known
    page = min(visit.address.page, max(-(-found // OWNERS_PER_PAGE), 1))
    shown = owners.find(merchant, search, limit=OWNERS_PER_PAGE, skip=(page - 1) * OWNERS_PER_PAGE)
    overridden = owners.find_overridden(merchant, limit=OWNERS_PER_PAGE)
    return OwnerList([*shown.items()], page, found, known, [*overridden.items()])
