"""Snapshots in files: JSON, or JSON Lines."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

from pydantic import ValidationError

from slotsync.domain.messages import Message
from slotsync.domain.reservations.snapshot import Reservation
from slotsync.errors import InputError, NotTaken

AT_ONCE = 64


class BadLine(Message):
    """A line that could not be reported."""

    number: int
    reason: str


def read_snapshot(text: str) -> Reservation:
    """The snapshot in this JSON; an InputError names each field that is wrong, and never quotes what was in it."""
    try:
        return Reservation.model_validate_json(text)
    except ValidationError as error:
        problems = [
            f"{'.'.join(map(str, each['loc'])) or 'snapshot'}: {each['msg'].removeprefix('Value error, ')}"
            for each in error.errors(include_input=False, include_url=False)
        ]
    raise InputError("; ".join(problems))


async def read_lines(
    file: Path, report: Callable[[Reservation], Awaitable[object]], told: Callable[[int, int], None]
) -> list[BadLine]:
    """Reports each line of the file, some at once; answers with those that were bad. ``told`` hears of the progress."""
    with file.open(encoding="utf-8") as lines:
        numbered = [(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    bad: list[BadLine] = []
    for start in range(0, len(numbered), AT_ONCE):
        snapshots = _snapshots(numbered[start : start + AT_ONCE], bad)
        await asyncio.gather(*(_report(number, snapshot, report, bad) for number, snapshot in snapshots))
        told(min(start + AT_ONCE, len(numbered)), len(numbered))
    return bad


async def _report(
    number: int, snapshot: Reservation, report: Callable[[Reservation], Awaitable[object]], bad: list[BadLine]
) -> None:
    try:
        await report(snapshot)
    except NotTaken as error:
        bad.append(BadLine(number=number, reason=str(error)))


def _snapshots(lines: list[tuple[int, str]], bad: list[BadLine]) -> Iterator[tuple[int, Reservation]]:
    for number, line in lines:
        try:
            yield number, read_snapshot(line)
        except InputError as error:
            bad.append(BadLine(number=number, reason=str(error)))
