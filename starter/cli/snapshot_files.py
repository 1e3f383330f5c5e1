"""Read snapshots from files: JSON, or JSON Lines."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from slotsync.domain.messages import Message
from slotsync.domain.reservations.snapshot import Reservation
from slotsync.errors import InputError, SettingsError, SlotsyncError
from starter.services.message_checks import describe_problems

MAX_PARALLEL_REPORTS = 64

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
"""Some programs begin a file with it; in joined files it is before other lines, too."""

_BLANK = b" \t\r\n" + _BYTE_ORDER_MARK


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
        raise InputError(describe_problems(error, "snapshot")) from None


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
    except SettingsError:  # of this process, not of the line
        raise
    except SlotsyncError as error:
        bad.append(BadLine(number=number, reason=str(error)))
    except SQLAlchemyError as error:
        bad.append(BadLine(number=number, reason=f"the database failed ({type(error).__name__}); import it again"))


def _read_snapshots(lines: list[tuple[int, bytes]], bad: list[BadLine]) -> Iterator[tuple[int, Reservation]]:
    for number, line in lines:
        text = line.lstrip(_BLANK)
        try:
            yield number, read_snapshot(text.decode())
        except UnicodeDecodeError as error:
            reason = (
                f"is not UTF-8 at byte {len(line) - len(text) + error.start + 1} of the line; save the file as UTF-8"
            )
            bad.append(BadLine(number=number, reason=reason))
        except InputError as error:
            bad.append(BadLine(number=number, reason=str(error)))
