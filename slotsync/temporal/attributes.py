"""The search attributes that operators filter by in the Temporal UI. Ids only: they are stored in the clear."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

from slotsync.rules.holding import Health
from slotsync.rules.owner import Owner

MERCHANT: Final = SearchAttributeKey.for_keyword("SlotsyncMerchant")
OWNERS: Final = SearchAttributeKey.for_keyword_list("SlotsyncOwners")
STARTS: Final = SearchAttributeKey.for_datetime("SlotsyncStarts")
HEALTH: Final = SearchAttributeKey.for_keyword("SlotsyncHealth")
REASON: Final = SearchAttributeKey.for_keyword("SlotsyncReason")

ALL: Final = (MERCHANT, OWNERS, STARTS, HEALTH, REASON)


_ROOM = 2000
"""Temporal refuses a value of more than 2,048 bytes."""


def names_of(owners: Iterable[Owner]) -> list[str]:
    """The owners by name, as many as a search attribute has room for."""
    names, room = [], _ROOM
    for owner in owners:
        room -= len(json.dumps(str(owner))) + 1
        if room < 0:
            break
        names.append(str(owner))
    return names


def whose(merchant: str, owners: Iterable[Owner], starts: datetime | None = None) -> TypedSearchAttributes:
    """The attributes that a workflow starts with."""
    pairs: list[SearchAttributePair[str] | SearchAttributePair[Sequence[str]] | SearchAttributePair[datetime]] = [
        SearchAttributePair(MERCHANT, merchant),
        SearchAttributePair(OWNERS, names_of(owners)),
        SearchAttributePair(HEALTH, str(Health.NEW)),
    ]
    if starts is not None:
        pairs.append(SearchAttributePair(STARTS, starts))
    return TypedSearchAttributes(pairs)
