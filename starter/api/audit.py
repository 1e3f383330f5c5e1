"""The route of a merchant's audit log."""

import asyncio
from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Query

from slotsync.domain.audit import Actor, AuditEntry, AuditValues
from slotsync.domain.messages import Message
from starter.api.cursors import Limit
from starter.api.documentation import MERCHANT, MerchantId
from starter.api.merchants import require_merchant
from starter.bootstrap import ServicesDependency

router = APIRouter(prefix=MERCHANT, tags=["merchants"])

MAX_NUMBER: Final = 2**31 - 1

AfterNumber = Annotated[
    int, Query(ge=0, le=MAX_NUMBER, description="`next` of the answer before, or the last `number` that is known.")
]


class AuditLine(Message):
    """A change: when, by which actor, from where, and the values before and after it.

    `by` has a `kind` (`key`, `visit`, `program`, `operator`, `google` or `slotsync`), and the `name` and `address` that
    are known of it. `overridden` names settings that were changed against the merchant's own choice. Contents are null
    once their key was erased.
    """

    number: int
    at: datetime
    action: str
    by: Actor | None
    subject: str | None
    before: AuditValues | None
    after: AuditValues | None
    overridden: tuple[str, ...]


class AuditList(Message):
    """Changes, the oldest first; `next` is null after the last ones."""

    items: tuple[AuditLine, ...]
    next: str | None


@router.get("/audit")
async def list_audit(
    merchant: MerchantId, services: ServicesDependency, limit: Limit = 50, after: AfterNumber = 0
) -> AuditList:
    """List who changed what of the merchant: grants, picks, settings, disconnections, rotations of keys, and stops.

    Numbers have no gaps, and nothing is ever added before what was listed.
    """
    found = await asyncio.to_thread(services.audit.list_entries, merchant, limit + 1, after)
    if not found:
        await require_merchant(services, merchant)
    page = found[:limit]
    return AuditList(items=tuple(map(_line, page)), next=str(page[-1].number) if len(found) > limit else None)


def _line(entry: AuditEntry) -> AuditLine:
    detail = entry.detail
    return AuditLine(
        number=entry.number,
        at=entry.at,
        action=entry.action,
        by=detail.by if detail else None,
        subject=detail.subject if detail else None,
        before=detail.before if detail else None,
        after=detail.after if detail else None,
        overridden=detail.overridden if detail else (),
    )
