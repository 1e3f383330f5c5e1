import json
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from slotsync.domain.reservations.snapshot import Reservation
from slotsync.errors import InputError, NotTaken, SettingsError, Undecryptable, VersionConflict
from starter.cli.snapshot_files import read_snapshot, report_lines

pytestmark = pytest.mark.anyio

GOOD = {
    "merchant": "m",
    "id": "R-1",
    "version": 1,
    "items": [{"product": "tour", "start": "2026-07-01", "end": "2026-07-02"}],
}


def test_a_bad_field_is_named_with_the_remedy_and_its_content_is_not_quoted() -> None:
    bad = {**GOOD, "items": [{"product": "tour", "start": "2026-07-01T10:00:00", "end": "secret"}]}
    with pytest.raises(InputError) as raised:
        read_snapshot(json.dumps(bad))
    message = str(raised.value)
    assert "items.0.start: has no time zone; give an offset" in message
    assert "items.0.end" in message
    assert "secret" not in message


async def test_bad_lines_are_named_and_the_others_go_on(tmp_path: Path) -> None:
    file = tmp_path / "snapshots.jsonl"
    lines = [json.dumps({**GOOD, "id": f"R-{number}"}) for number in range(200)]
    lines[6] = "{not json"
    lines[150] = json.dumps({**GOOD, "version": -1})
    lines[151] = ""
    file.write_text("\n".join(lines))
    reported: list[Reservation] = []
    received: list[tuple[int, int]] = []

    async def report(snapshot: Reservation) -> None:
        if snapshot.id == "R-9":
            raise NotTaken("repeat it")
        reported.append(snapshot)

    bad = await report_lines(file, report, lambda done, total: received.append((done, total)))
    assert [line.number for line in bad] == [7, 10, 151]
    assert "version: Input should be greater than or equal to 0" in bad[2].reason
    assert len(reported) == 196
    assert received[-1] == (199, 199)


async def test_a_mark_at_the_beginning_costs_nothing_and_a_bad_byte_its_line_alone(tmp_path: Path) -> None:
    file = tmp_path / "snapshots.jsonl"
    first, second, third = (json.dumps({**GOOD, "id": f"R-{number}"}) for number in (1, 2, 3))
    latin = second.replace("tour", "kärry", 1).encode("latin-1")
    file.write_bytes(b"\xef\xbb\xbf" + first.encode() + b"\r\n" + latin + b"\n" + third.encode())
    reported = list[str]()

    async def report(snapshot: Reservation) -> None:
        reported.append(snapshot.id)

    (bad,) = await report_lines(file, report, lambda *_: None)
    assert reported == ["R-1", "R-3"]
    assert (bad.number, "is not UTF-8 at byte" in bad.reason) == (2, True)


async def test_a_mark_costs_nothing_where_files_were_joined(tmp_path: Path) -> None:
    file = tmp_path / "snapshots.jsonl"
    lines = [json.dumps({**GOOD, "id": f"R-{number}"}).encode() for number in range(3)]
    file.write_bytes(b"\xef\xbb\xbf\xef\xbb\xbf" + lines[0] + b"\n\xef\xbb\xbf" + lines[1] + b"\n" + lines[2])
    reported = list[str]()

    async def report(snapshot: Reservation) -> None:
        reported.append(snapshot.id)

    assert await report_lines(file, report, lambda *_: None) == []
    assert reported == ["R-0", "R-1", "R-2"]


@pytest.mark.parametrize(
    ("failure", "named"),
    [
        (VersionConflict("known with another content"), "known with another content"),
        (Undecryptable("its key is missing"), "its key is missing"),
        (InputError("id: is wrong"), "id: is wrong"),
        (OperationalError("SELECT secret", {}, Exception("locked")), "the database failed (OperationalError)"),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_a_line_that_fails_for_any_reason_is_named_and_holds_no_other_up(
    tmp_path: Path, failure: Exception, named: str
) -> None:
    file = tmp_path / "snapshots.jsonl"
    file.write_text("\n".join(json.dumps({**GOOD, "id": f"R-{number}"}) for number in range(3)))
    reported = list[str]()

    async def report(snapshot: Reservation) -> None:
        if snapshot.id == "R-1":
            raise failure
        reported.append(snapshot.id)

    (bad,) = await report_lines(file, report, lambda *_: None)
    assert (bad.number, reported) == (2, ["R-0", "R-2"])
    assert named in bad.reason
    assert "secret" not in bad.reason


async def test_settings_that_are_wrong_end_an_import_at_once(tmp_path: Path) -> None:
    file = tmp_path / "snapshots.jsonl"
    file.write_text(json.dumps(GOOD))

    async def report(snapshot: Reservation) -> None:
        raise SettingsError("other keys than the workers'")

    with pytest.raises(SettingsError):
        await report_lines(file, report, lambda *_: None)
