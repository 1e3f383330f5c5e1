"""``make bench-telling``: how soon the platform has the webhook after a merchant's own appointment.

Everything runs on this machine, as separate processes: the local Google, Temporal's server, a worker, the API.
"""

import asyncio
import os
import statistics
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from time import monotonic
from typing import Annotated

import httpx
import typer

from bench.merchants import Merchant, open_merchant, pick, start, until_watched
from starter.local.dev import local_parts
from tests.support.webhook_receiver import WEBHOOK_SECRET, WebhookReceiver, running_webhook_receiver

POLL = 5
"""Seconds between two polls, to make the figures without push quickly."""

TOMORROW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=1)
HOUR = timedelta(hours=1)


def main(times: Annotated[int, typer.Option(help="Appointments that are made and removed.")] = 40) -> None:
    """Prints the figures, with push and without."""
    asyncio.run(measure("with push", times, SLOTSYNC_GOOGLE_PUSH="on", SLOTSYNC_POLL_SECONDS="60"))
    asyncio.run(
        measure(
            f"without push, polling every {POLL} s", times, SLOTSYNC_GOOGLE_PUSH="off", SLOTSYNC_POLL_SECONDS=str(POLL)
        )
    )


async def measure(name: str, times: int, **environment: str) -> None:
    """Appointments at moments that nobody chose, one after the other."""
    with running_webhook_receiver() as platform, tempfile.TemporaryDirectory() as folder:
        webhooks = {"SLOTSYNC_WEBHOOK_URL": platform.url, "SLOTSYNC_WEBHOOK_SECRET": WEBHOOK_SECRET}
        os.environ.update(environment | webhooks)
        async with local_parts(Path(folder), lambda _: None, quotas=False) as parts:
            merchant = await open_merchant(parts, "merchant", 1, 1)
            pick(merchant, 1)
            await start(parts.client, [merchant])
            await until_watched(parts.client, [merchant])
            made, removed = await edits(platform, parts.google, merchant, times)
    print(f"{name}: {times} appointments made by hand and removed, from Google's answer to the webhook")
    for what, seconds in (("made", made), ("removed", removed)):
        cuts = statistics.quantiles(seconds, n=100)
        print(f"  {what:8}  median {cuts[49]:6.2f} s   95th percentile {cuts[94]:6.2f} s   worst {max(seconds):6.2f} s")


async def edits(
    platform: WebhookReceiver, google: str, merchant: Merchant, times: int
) -> tuple[Sequence[float], Sequence[float]]:
    """Seconds until the webhook, of appointments made and of the same removed."""
    events = f"/sandbox/accounts/{merchant.email}/calendars/{merchant.calendars[0]}/events"
    body = {"start": {"dateTime": TOMORROW.isoformat()}, "end": {"dateTime": (TOMORROW + HOUR).isoformat()}}
    chance, made, removed = Random(times), [], []
    async with httpx.AsyncClient(base_url=google) as http:
        for _ in range(times):
            await asyncio.sleep(chance.uniform(1.5, 1.5 + POLL))
            event = (await http.post(events, json={"summary": "Dentist", **body})).raise_for_status().json()["id"]
            made.append(await until_told(platform))
            await asyncio.sleep(chance.uniform(1.5, 1.5 + POLL))
            (await http.delete(f"{events}/{event}")).raise_for_status()
            removed.append(await until_told(platform))
    return made, removed


async def until_told(platform: WebhookReceiver) -> float:
    """Seconds until the next message arrives."""
    began, before = monotonic(), len(platform.messages)
    while len(platform.messages) == before:  # noqa: ASYNC110  another process
        await asyncio.sleep(0.005)
    return monotonic() - began


if __name__ == "__main__":
    typer.run(main)
