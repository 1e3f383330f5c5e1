import json
from pathlib import Path

import pytest

from slotsync.domain.reservations.snapshot import Reservation
from slotsync.errors import InputError, NotTaken
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
