"""Read snapshots from files: JSON, or JSON Lines."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

from pydantic import ValidationError

from slotsync.domain.messages import Message
from slotsync.domain.reservations.snapshot import Reservation
from slotsync.errors import InputError, NotTaken

MAX_PARALLEL_REPORTS = 64


class BadLine(Message):
    """A line that could not be reported."""

    number: int
    reason: str


def read_snapshot(text: str) -> Reservation:
    """Return the snapshot of a JSON text.

    Raises:
        InputError: the text is no valid snapshot. The message names each wrong field, and never quotes its content.
    """
    try:
        return Reservation.model_validate_json(text)
    except ValidationError as error:
        problems = [
            f"{'.'.join(map(str, each['loc'])) or 'snapshot'}: {each['msg'].removeprefix('Value error, ')}"
            for each in error.errors(include_input=False, include_url=False)
        ]
    raise InputError("; ".join(problems))


async def report_lines(
    file: Path, report: Callable[[Reservation], Awaitable[object]], show_progress: Callable[[int, int], None]
) -> list[BadLine]:
    """Report each line of the file, many in parallel, and return the bad lines.

    ``show_progress`` is called with the number of lines that are done and the number of all lines.
    """
    with file.open(encoding="utf-8") as lines:
        numbered = [(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    bad: list[BadLine] = []
    for start in range(0, len(numbered), MAX_PARALLEL_REPORTS):
        snapshots = _read_snapshots(numbered[start : start + MAX_PARALLEL_REPORTS], bad)
        await asyncio.gather(*(_report(number, snapshot, report, bad) for number, snapshot in snapshots))
        show_progress(min(start + MAX_PARALLEL_REPORTS, len(numbered)), len(numbered))
    return bad


async def _report(
    number: int, snapshot: Reservation, report: Callable[[Reservation], Awaitable[object]], bad: list[BadLine]
) -> None:
    try:
        await report(snapshot)
    except NotTaken as error:
        bad.append(BadLine(number=number, reason=str(error)))


def _read_snapshots(lines: list[tuple[int, str]], bad: list[BadLine]) -> Iterator[tuple[int, Reservation]]:
    for number, line in lines:
        try:
            yield number, read_snapshot(line)
        except InputError as error:
            bad.append(BadLine(number=number, reason=str(error)))
