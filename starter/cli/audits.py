"""Look for drift in a merchant's calendars, and print what was found."""

import asyncio
from collections.abc import Sequence

from rich.table import Table

from starter.cli.terminal import console, plain, print_json
from starter.client import Slotsync
from starter.services.audits import CalendarAudit


def audit_calendars(merchant: str, calendar: str | None, *, repair: bool, as_json: bool) -> None:
    """Compare calendars with the reservations, and print how many events have drifted, and how.

    Raises:
        UnknownSubject: the merchant has no such calendar.
    """

    async def audit() -> Sequence[CalendarAudit]:
        return await (await Slotsync.connect()).audit(merchant, calendar, repair=repair)

    audits = asyncio.run(audit())
    if as_json:
        print_json([_as_json(each) for each in audits])
    else:
        console.print(_table(audits))


def _as_json(audit: CalendarAudit) -> dict[str, object]:
    owner = {"kind": audit.owner.kind.value, "id": audit.owner.id}
    return {**owner, "calendar": audit.calendar_id, **audit.result.model_dump(mode="json")}


def _table(audits: Sequence[CalendarAudit]) -> Table:
    table = Table("calendar of", "found", "repaired")
    for each in audits:
        counts = ", ".join(f"{count} {kind}" for kind, count in sorted(each.result.counts.items()))
        found = f"not looked through: {each.result.reason}" if each.result.reason else counts or "nothing"
        table.add_row(plain(each.owner), plain(found), str(each.result.repaired))
    return table
