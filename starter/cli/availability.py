"""Show why a product can or cannot be booked at a time."""

import asyncio
from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from rich.tree import Tree

from slotsync.domain.availability.availability import SlotState
from slotsync.domain.availability.explanation import CalendarExplanation, Explanation
from slotsync.domain.availability.intervals import Interval
from slotsync.domain.calendars.owner import Owner
from slotsync.errors import InputError
from starter.cli.terminal import console, plain, print_json
from starter.client import Slotsync
from starter.services.availability import UnknownProduct


def show_explanation(merchant: str, product: str, time: str, *, as_json: bool) -> None:
    """Print why a product is free, busy or unknown at a time, in the product's time zone.

    Raises:
        InputError: the time is not ISO 8601, or the product is not known.
    """
    explanation, zone = asyncio.run(_explain(merchant, product, _parse_time(time)))
    if as_json:
        print_json(explanation.model_dump(mode="json"))
    else:
        console.print(_explanation_tree(explanation, zone))


async def _explain(merchant: str, product: str, time: datetime) -> tuple[Explanation, ZoneInfo]:
    slotsync = await Slotsync.connect()
    settings = await slotsync.settings_of(merchant, Owner.product(product))
    if settings is None:
        raise UnknownProduct
    zone = ZoneInfo(settings.time_zone)
    return await slotsync.explain(merchant, product, time if time.tzinfo else time.replace(tzinfo=zone)), zone


def _parse_time(time: str) -> datetime:
    try:
        return datetime.fromisoformat(time)
    except ValueError:
        raise InputError("TIME is not ISO 8601; give one such as 2027-07-01T18:00 or 2027-07-01T18:00+03:00") from None


def _explanation_tree(explanation: Explanation, zone: ZoneInfo) -> Tree:
    booked = "cannot be booked" if explanation.closed else "can be booked"
    tree = Tree(f"[bold]{plain(f'{_format_time(explanation.at, zone)} ({zone.key}): {explanation.state}, {booked}')}")
    tree.add(plain(explanation.because))
    for each in explanation.calendars:
        calendar = tree.add(plain(f"{each.name}: {each.why}{_format_effect(each)}"))
        for line in _describe_calendar(each, zone):
            calendar.add(plain(line))
    return tree


def _format_effect(calendar: CalendarExplanation) -> str:
    if calendar.state is not SlotState.UNKNOWN:
        return ""
    return ", counts as busy" if calendar.shut else ", counts as free"


def _describe_calendar(calendar: CalendarExplanation, zone: ZoneInfo) -> Iterator[str]:
    if calendar.span:
        yield f"{calendar.state} {_format_interval(calendar.span, zone)}"
    if calendar.padded and calendar.padded != calendar.span:
        yield f"with padding {_format_interval(calendar.padded, zone)}"
    if calendar.read_at and calendar.good_until:
        yield f"read {_format_time(calendar.read_at, zone)}, good until {_format_time(calendar.good_until, zone)}"


def _format_interval(interval: Interval, zone: ZoneInfo) -> str:
    return f"from {_format_time(interval.start, zone)} to {_format_time(interval.end, zone)}"


def _format_time(time: datetime, zone: ZoneInfo) -> str:
    return f"{time.astimezone(zone):%Y-%m-%d %H:%M:%S}"
