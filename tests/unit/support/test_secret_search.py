"""Secrets and foreign data appear in no file of a whole run."""

import json
from base64 import b64encode
from pathlib import Path
from urllib.parse import quote_from_bytes

import pytest

from tests.support.secret_search import found

NEEDLE = "Käpylä & Co, room 2/14"


@pytest.mark.parametrize(
    "written",
    [
        NEEDLE.encode(),
        NEEDLE.encode("utf-16-le"),
        json.dumps({"title": NEEDLE}).encode(),
        repr(NEEDLE.encode()).encode(),
        quote_from_bytes(NEEDLE.encode(), safe="").encode(),
        *(b64encode(b"x" * before + NEEDLE.encode() + b"after") for before in range(4)),
    ],
)
def test_the_search_finds_a_text_in_every_encoding(tmp_path: Path, written: bytes) -> None:
    (tmp_path / "slotsync.db-wal").write_bytes(b"\x00\xff" + written + b"\xff")
    assert found(tmp_path, {"needle": NEEDLE, "another": "Kapyla & Co, room 2/14"}) == {("needle", "slotsync.db")}
