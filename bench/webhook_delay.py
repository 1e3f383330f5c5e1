"""``make bench-telling``: the time from a merchant's own appointment to the webhook at the platform.

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

from bench.merchants import Merchant, create_merchant, pick_calendars, start_workflows, wait_until_watched
from starter.local.dev import local_parts
from tests.support.webhook_receiver import WEBHOOK_SECRET, WebhookReceiver, running_webhook_receiver

POLL_INTERVAL = timedelta(seconds=5)
"""Short, to get the figures without push quickly."""

MIN_PAUSE = timedelta(seconds=1.5)
"""The pause between two edits is random, between this and this plus the poll interval."""

TOMORROW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=1)
HOUR = timedelta(hours=1)


def main(times: Annotated[int, typer.Option(help="Appointments that are made and removed.")] = 40) -> None:
    """Print the figures, with push and without."""
    seconds = f"{POLL_INTERVAL.total_seconds():g}"
    without = f"without push, polling every {seconds} s"
    asyncio.run(measure("with push", times, SLOTSYNC_GOOGLE_PUSH="on", SLOTSYNC_POLL_SECONDS="60"))
    asyncio.run(measure(without, times, SLOTSYNC_GOOGLE_PUSH="off", SLOTSYNC_POLL_SECONDS=seconds))


async def measure(name: str, times: int, **environment: str) -> None:
    """Make and remove appointments at random times, one after the other, and print the delays."""
    with running_webhook_receiver() as platform, tempfile.TemporaryDirectory() as folder:
        webhooks = {"SLOTSYNC_WEBHOOK_URL": platform.url, "SLOTSYNC_WEBHOOK_SECRET": WEBHOOK_SECRET}
        os.environ.update(environment | webhooks)
        async with local_parts(Path(folder), lambda _: None, quotas=False) as parts:
            merchant = await create_merchant(parts, "merchant", 1, 1)
            pick_calendars(merchant, 1)
            await start_workflows(parts.client, [merchant])
            await wait_until_watched(parts.client, [merchant])
            made, removed = await measure_edits(platform, parts.google, merchant, times)
    print(f"{name}: {times} appointments made by hand and removed, from Google's answer to the webhook")
    for what, seconds in (("made", made), ("removed", removed)):
        cuts = statistics.quantiles(seconds, n=100)
        print(f"  {what:8}  median {cuts[49]:6.2f} s   95th percentile {cuts[94]:6.2f} s   worst {max(seconds):6.2f} s")


async def measure_edits(
    platform: WebhookReceiver, google: str, merchant: Merchant, times: int
) -> tuple[Sequence[float], Sequence[float]]:
    """Return the seconds until the webhook, of appointments that are made and of appointments that are removed."""
    events = f"/sandbox/accounts/{merchant.email}/calendars/{merchant.calendars[0]}/events"
    body = {"start": {"dateTime": TOMORROW.isoformat()}, "end": {"dateTime": (TOMORROW + HOUR).isoformat()}}
    random, made, removed = Random(times), [], []
    async with httpx.AsyncClient(base_url=google) as http:
        for _ in range(times):
            await asyncio.sleep((MIN_PAUSE + POLL_INTERVAL * random.random()).total_seconds())
            event = (await http.post(events, json={"summary": "Dentist", **body})).raise_for_status().json()["id"]
            made.append(await seconds_until_webhook(platform))
            await asyncio.sleep((MIN_PAUSE + POLL_INTERVAL * random.random()).total_seconds())
            (await http.delete(f"{events}/{event}")).raise_for_status()
            removed.append(await seconds_until_webhook(platform))
    return made, removed


async def seconds_until_webhook(platform: WebhookReceiver) -> float:
    """Wait for the next webhook, and return the seconds that it took."""
    began, before = monotonic(), len(platform.messages)
    while len(platform.messages) == before:  # noqa: ASYNC110  another process
        await asyncio.sleep(0.005)
    return monotonic() - began


if __name__ == "__main__":
    typer.run(main)
