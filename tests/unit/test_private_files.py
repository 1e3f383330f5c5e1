"""What slotsync keeps on a machine, other users of the machine cannot read."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from localgoogle.state.state_file import StateFile
from slotsync.private_files import make_private_folder, write_private_file
from slotsync.store.database.engine import Store


@pytest.fixture(autouse=True)
def common_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, int]:
    return {each.name: each.stat().st_mode & 0o777 for each in (folder, *folder.iterdir())}


def test_databases_and_their_logs_of_writes_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    store, google = Store.open(f"sqlite:///{folder}/slotsync.db"), StateFile(folder / "google.state")
    store.upgrade()
    google.put("kind", "key", {"token": "secret"})
    google.commit()
    found = modes(folder)
    store.close()
    google.close()
    assert found.pop("state") == 0o700
    assert {"slotsync.db", "slotsync.db-wal", "google.state", "google.state-wal"} <= found.keys()
    assert {*found.values()} == {0o600}


def test_files_of_a_former_run_are_closed_too(tmp_path: Path) -> None:
    folder = tmp_path / "dev"
    folder.mkdir()
    (folder / "temporal.db").touch()
    make_private_folder(folder)
    assert modes(folder) == {"dev": 0o700, "temporal.db": 0o600}


def test_a_file_with_a_key_is_closed_even_where_a_readable_one_was(tmp_path: Path) -> None:
    file = tmp_path / "ready.json"
    file.touch(mode=0o644)
    write_private_file(file, "key")
    assert (file.stat().st_mode & 0o777, file.read_text()) == (0o600, "key")
