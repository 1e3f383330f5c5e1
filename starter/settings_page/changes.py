"""Changes of a merchant, from its audit log, on the settings page."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response

from slotsync.domain.audit import AuditEntry
from slotsync.store.calendars.owner_names import OwnerNames
from starter.settings_page.change_words import (
    ValueWords,
    describe_action,
    describe_actor,
    describe_values,
    find_owner,
    name_subject,
)
from starter.settings_page.language import address_of
from starter.settings_page.rendering import render_page
from starter.settings_page.visit import Visit, name_of

CHANGES_PER_PAGE: Final = 50
_MAX_DIGITS: Final = 9


@dataclass(frozen=True)
class ChangeLine:
    """A change: when, what, by which actor. The last is empty if it cannot be read any more.

    ``at`` is in the time zone of most of the merchant's products and resources.
    """

    at: datetime
    title: str
    by: str = ""
    values: tuple[ValueWords, ...] = ()
    overridden: bool = False


@dataclass(frozen=True)
class Changes:
    """Changes, the newest first. ``earlier`` is the number before which there are more, or None."""

    lines: tuple[ChangeLine, ...]
    earlier: int | None = None


async def show_changes(request: Request) -> Response:
    """Show all changes, a page at a time."""
    visit = await Visit.from_request(request)
    before = _read_number(request.query_params.get("before", ""))
    return render_page(
        "all_changes.html",
        visit.language,
        merchant=await name_of(visit.services, visit.merchant),
        changes=await load_changes(visit, CHANGES_PER_PAGE, before),
        here=address_of(request),
    )


async def load_changes(visit: Visit, limit: int, before: int | None = None) -> Changes:
    """Return the merchant's last changes, or those before this number."""
    found = await asyncio.to_thread(visit.services.audit.list_newest, visit.merchant, limit + 1, before)
    names = await asyncio.to_thread(_load_names, visit, found[:limit])
    zone = ZoneInfo(await asyncio.to_thread(OwnerNames(visit.services.store).find_zone, visit.merchant))
    lines = tuple(_line(visit, names, each, zone) for each in found[:limit])
    return Changes(lines, found[limit - 1].number if len(found) > limit else None)


def _load_names(visit: Visit, entries: Sequence[AuditEntry]) -> dict[str, str]:
    """Return the names of the products and resources that were changed, by their text in entries."""
    changed = {owner for each in entries if each.detail and (owner := find_owner(each.detail.subject))}
    found = OwnerNames(visit.services.store).get_names(visit.merchant, changed)
    return {str(owner): name for owner, name in found.items()}


def _line(visit: Visit, names: Mapping[str, str], entry: AuditEntry, zone: ZoneInfo) -> ChangeLine:
    translate, detail, at = visit.language.translate, entry.detail, entry.at.astimezone(zone)
    if detail is None:
        return ChangeLine(at, describe_action(translate, entry.action, "?", detail))
    return ChangeLine(
        at=at,
        title=describe_action(translate, entry.action, name_subject(translate, detail.subject, names), detail),
        by=describe_actor(translate, detail.by, visit.session.name),
        values=tuple(describe_values(translate, entry.action, detail)),
        overridden=bool(detail.overridden),
    )


def _read_number(text: str) -> int | None:
    """Return the number in an address, or None if it cannot be one of an entry."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS else None
