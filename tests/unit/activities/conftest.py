"""Fixtures of the activities' tests without servers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from slotsync.store.database.engine import Store
from tests.support.migrated_databases import open_migrated


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_migrated(f"sqlite:///{tmp_path}/slotsync.db")
    yield store
    store.close()
