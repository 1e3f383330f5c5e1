"""The command that says why a product can be booked, or cannot."""

import asyncio
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from slotsync.domain.availability.availability import SlotState
from slotsync.domain.availability.explanation import CalendarExplanation, Explanation
from slotsync.domain.availability.intervals import Interval
from slotsync.domain.calendars.owner import Owner
from slotsync.errors import InputError
from starter.client import Slotsync
from starter.services.availability import UnknownProduct

console = Console()

Merchant = Annotated[str, typer.Argument(help="The merchant's id.")]
Product = Annotated[str, typer.Argument(help="The product's id.")]
Time = Annotated[
    str, typer.Argument(help="ISO 8601, such as 2027-07-01T18:00; without an offset in the product's time zone.")
]


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    app.command()(explain)


def explain(merchant: Merchant, product: Product, time: Time) -> None:
    """Say why a product is free, busy or unknown at a time."""
    told, zone = asyncio.run(_ask(merchant, product, _moment(time)))
    console.print(_shown(told, zone))


async def _ask(merchant: str, product: str, time: datetime) -> tuple[Explanation, ZoneInfo]:
    slotsync = await Slotsync.connect()
    settings = await slotsync.settings_of(merchant, Owner.product(product))
    if settings is None:
        raise UnknownProduct
    zone = ZoneInfo(settings.time_zone)
    return await slotsync.explain(merchant, product, time if time.tzinfo else time.replace(tzinfo=zone)), zone


def _moment(time: str) -> datetime:
    try:
        return datetime.fromisoformat(time)
    except ValueError:
        raise InputError("TIME is not ISO 8601; give one such as 2027-07-01T18:00 or 2027-07-01T18:00+03:00") from None


def _shown(told: Explanation, zone: ZoneInfo) -> Tree:
    booked = "cannot be booked" if told.closed else "can be booked"
    tree = Tree(Text(f"{_at(told.at, zone)} ({zone.key}): {told.state}, {booked}", "bold"))
    tree.add(Text(told.because))
    for each in told.calendars:
        calendar = tree.add(Text(f"{each.name}: {each.why}{_counts(each)}"))
        for line in _details(each, zone):
            calendar.add(Text(line))
    return tree


def _counts(told: CalendarExplanation) -> str:
    if told.state is not SlotState.UNKNOWN:
        return ""
    return ", counts as busy" if told.shut else ", counts as free"


def _details(told: CalendarExplanation, zone: ZoneInfo) -> Iterator[str]:
    if told.span:
        yield f"{told.state} {_from_to(told.span, zone)}"
    if told.padded and told.padded != told.span:
        yield f"with padding {_from_to(told.padded, zone)}"
    if told.read_at and told.good_until:
        yield f"read {_at(told.read_at, zone)}, good until {_at(told.good_until, zone)}"


def _from_to(span: Interval, zone: ZoneInfo) -> str:
    return f"from {_at(span.start, zone)} to {_at(span.end, zone)}"


def _at(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S}"
