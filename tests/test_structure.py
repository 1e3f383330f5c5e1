"""The house: which room may look into which."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# Each may import what stands at or below its own floor (design.md, "The house").
FLOORS = {"worker": 3, "starter": 3, "workflows": 2, "activities": 1, "slotsync": 0}

# Within slotsync: the rules are pure, the local Google knows nothing of us.
ROOMS = {
    "slotsync/rules": {"slotsync.rules"},
    "slotsync/google": {"slotsync.google", "slotsync.clock", "slotsync.rules", "slotsync.errors", "slotsync.settings"},
    "slotsync/store": {"slotsync.store", "slotsync.clock", "slotsync.rules", "slotsync.errors", "slotsync.secrets"},
    "slotsync/sandbox": {"slotsync.sandbox", "slotsync.clock"},
}

IO = {"googleapiclient", "google", "google_auth_httplib2", "httplib2", "sqlmodel", "sqlalchemy", "httpx", "starlette"}


def modules(folder: str) -> list[Path]:
    place = ROOT / folder
    return [place.with_suffix(".py")] if place.with_suffix(".py").exists() else sorted(place.rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the floor"
            yield node.module or ""


@pytest.mark.parametrize("floor", FLOORS)
def test_imports_go_down_only(floor: str) -> None:
    found = [(path, name) for path in modules(floor) for name in imported(path)]
    assert found
    above = [(path.name, name) for path, name in found if FLOORS.get(name.split(".")[0], -1) > FLOORS[floor]]
    assert not above


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_of_slotsync_looks_only_where_it_may(room: str) -> None:
    own = [(path, name) for path in modules(room) for name in imported(path) if name.startswith("slotsync")]
    strangers = [
        (path.name, name)
        for path, name in own
        if not any(name == allowed or name.startswith(f"{allowed}.") for allowed in ROOMS[room])
    ]
    assert not strangers


@pytest.mark.parametrize("floor", ["workflows", "slotsync/rules"])
def test_workflows_and_rules_import_no_input_or_output(floor: str) -> None:
    found = {name.split(".")[0] for path in modules(floor) for name in imported(path)}
    assert found
    assert not found & IO


def test_no_room_is_called_a_junk_drawer() -> None:
    junk = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
    names = {path.stem for floor in FLOORS for path in modules(floor)}
    assert not names & junk
