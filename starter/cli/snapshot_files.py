"""Read snapshots from files: JSON, or JSON Lines."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

from pydantic import ValidationError

from slotsync.domain.messages import Message
from slotsync.domain.reservations.snapshot import Reservation
from slotsync.errors import Erased, InputError, NotTaken, VersionConflict

MAX_PARALLEL_REPORTS = 64

_BLANK = b" \t\r\n\xef\xbb\xbf"
"""The bytes of an empty line: spaces, and the mark with which some programs begin a file."""


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
    """Report each line of the file, many in parallel, and return the bad lines, in order.

    ``show_progress`` is called with the number of lines that are done and the number of all lines.
    """
    with file.open("rb") as lines:
        numbered = [(number, line) for number, line in enumerate(lines, 1) if line.strip(_BLANK)]
    bad: list[BadLine] = []
    for start in range(0, len(numbered), MAX_PARALLEL_REPORTS):
        snapshots = _read_snapshots(numbered[start : start + MAX_PARALLEL_REPORTS], bad)
        await asyncio.gather(*(_report(number, snapshot, report, bad) for number, snapshot in snapshots))
        show_progress(min(start + MAX_PARALLEL_REPORTS, len(numbered)), len(numbered))
    return sorted(bad, key=lambda line: line.number)


async def _report(
    number: int, snapshot: Reservation, report: Callable[[Reservation], Awaitable[object]], bad: list[BadLine]
) -> None:
    try:
        await report(snapshot)
    except (Erased, NotTaken, VersionConflict) as error:
        bad.append(BadLine(number=number, reason=str(error)))


def _read_snapshots(lines: list[tuple[int, bytes]], bad: list[BadLine]) -> Iterator[tuple[int, Reservation]]:
    for number, line in lines:
        try:
            yield number, read_snapshot(line.decode("utf-8-sig" if number == 1 else "utf-8"))
        except UnicodeDecodeError as error:
            reason = f"is not UTF-8 at byte {error.start + 1} of the line; save the file as UTF-8"
            bad.append(BadLine(number=number, reason=reason))
        except InputError as error:
            bad.append(BadLine(number=number, reason=str(error)))
