"""Secrets and foreign data appear in no file of a whole run."""

import json
import sqlite3
from base64 import b64encode, urlsafe_b64encode
from contextlib import closing
from pathlib import Path
from urllib.parse import quote_from_bytes

import pytest

from tests.support.secret_search import found, found_in

NEEDLE = "Käpylä & Co, room 2/14"
KEY = bytes(range(240, 256)) + bytes(range(16))


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


@pytest.mark.parametrize(
    "written",
    [
        KEY,
        KEY.hex().encode(),
        repr(KEY).encode(),
        *(encode(b"x" * before + KEY + b"after") for before in range(4) for encode in (b64encode, urlsafe_b64encode)),
    ],
)
def test_the_search_finds_a_key_in_every_encoding(written: bytes) -> None:
    assert found_in({"place": b"\x00" + written + b"\xff", "other": KEY[1:]}, {"key": KEY}) == {("key", "place")}


def test_the_search_finds_what_sqlite_has_only_in_its_log_of_the_newest_writes(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "slotsync.db", isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE secrets (text)")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        database.execute("INSERT INTO secrets VALUES (?)", [NEEDLE])
        assert NEEDLE.encode() not in (tmp_path / "slotsync.db").read_bytes()
        assert found(tmp_path, {"needle": NEEDLE}) == {("needle", "slotsync.db")}
