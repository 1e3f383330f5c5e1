"""What Google tells of changes: that there is one, and never which."""

import asyncio
from typing import Final

from fastapi import APIRouter, Request, Response

from slotsync.clock import utc_now
from slotsync.google.channels import PUSH_PATH
from starter.api.backend import Behind

router = APIRouter(include_in_schema=False)

RINGS: Final = frozenset({"exists", "not_exists"})
"""The states that tell of a change; ``sync`` says only that a channel was opened."""

LONGEST_ID: Final = 64
LONGEST_TOKEN: Final = 256


@router.post(PUSH_PATH, status_code=204)
async def push(request: Request, behind: Behind) -> Response:
    """Takes what Google tells. Whatever it is, the answer is the same: nobody learns here which channels there are."""
    told = request.headers
    channel_id, token = told.get("X-Goog-Channel-ID", ""), told.get("X-Goog-Channel-Token", "")
    fits = 0 < len(channel_id) <= LONGEST_ID and 0 < len(token) <= LONGEST_TOKEN
    if fits and told.get("X-Goog-Resource-State") in RINGS:
        await asyncio.to_thread(behind.push.rang, channel_id, token, utc_now())
    return Response(status_code=204)
