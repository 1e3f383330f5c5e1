"""The house (design.md): every room exists, imports go one way, and nothing goes round in a circle."""

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

ROOMS = (
    "worker.py",
    "workflows",
    "workflows/steps",
    "activities",
    "starter/services",
    "starter/api",
    "starter/settings_page",
    "starter/cli",
    "starter/local",
    "slotsync/domain/reservations",
    "slotsync/domain/calendars",
    "slotsync/domain/connections",
    "slotsync/domain/availability",
    "slotsync/busy_times",
    "slotsync/google/auth",
    "slotsync/google/events",
    "slotsync/store/database/migrations",
    "slotsync/store/tables",
    "slotsync/store/reservations",
    "slotsync/store/calendars",
    "slotsync/store/connections",
    "slotsync/store/availability",
    "slotsync/mail",
    "slotsync/temporal",
    "localgoogle/http",
    "localgoogle/state",
    "localgoogle/events",
    "localgoogle/faults",
    "localgoogle/oauth",
    "localgoogle/controls",
    "localgoogle/pages",
)

OURS = ("worker", "starter", "workflows", "activities", "slotsync", "localgoogle")
ALL_OF_SLOTSYNC = ("starter", "workflows", "activities", "slotsync")

# What each part may import of ours, itself apart. The longest name that fits a module decides.
MAY_IMPORT: Mapping[str, tuple[str, ...]] = {
    "worker": ALL_OF_SLOTSYNC,
    "starter": ("worker", "workflows", "activities", "slotsync", "localgoogle.server", "localgoogle.options"),
    "workflows": ("activities", "slotsync.domain", "slotsync.temporal"),
    "activities": ("slotsync",),
    "slotsync.busy_times": (
        "slotsync.connection_health",
        "slotsync.google",
        "slotsync.store",
        "slotsync.temporal",
        "slotsync.domain",
        "slotsync.clock",
        "slotsync.errors",
        "slotsync.secrets",
    ),
    "slotsync.connection_health": ("slotsync.store", "slotsync.temporal", "slotsync.domain", "slotsync.errors"),
    "slotsync.calendar_drift": (
        "slotsync.google",
        "slotsync.store",
        "slotsync.domain",
        "slotsync.errors",
        "slotsync.secrets",
    ),
    "slotsync.former_calendars": ("slotsync.google", "slotsync.store", "slotsync.domain", "slotsync.errors"),
    "slotsync.grant_ends": (
        "slotsync.google",
        "slotsync.store",
        "slotsync.errors",
        "slotsync.secrets",
        "slotsync.settings",
    ),
    "slotsync.google": ("slotsync.domain", "slotsync.clock", "slotsync.errors", "slotsync.settings"),
    "slotsync.store": (
        "slotsync.domain",
        "slotsync.clock",
        "slotsync.errors",
        "slotsync.private_files",
        "slotsync.secrets",
    ),
    "slotsync.temporal": ("slotsync.domain", "slotsync.errors", "slotsync.secrets"),
    "slotsync.mail": (
        "slotsync.domain",
        "slotsync.clock",
        "slotsync.errors",
        "slotsync.settings",
        "slotsync.signing",
        "slotsync.translations",
    ),
    "slotsync.webhook_sender": (
        "slotsync.domain",
        "slotsync.clock",
        "slotsync.settings",
    ),
    "slotsync.translations": (),
    "slotsync.signing": ("slotsync.settings",),
    "slotsync.settings": ("slotsync.domain", "slotsync.errors"),
    "slotsync.secrets": ("slotsync.errors",),
    "slotsync.private_files": (),
    "slotsync.errors": (),
    "slotsync.clock": (),
    "slotsync.domain": (),
    "localgoogle": (),
}

INPUT_AND_OUTPUT = {
    "fastapi",
    "google",
    "google_auth_httplib2",
    "googleapiclient",
    "aiosmtplib",
    "httplib2",
    "httpx",
    "sqlalchemy",
    "sqlmodel",
    "starlette",
}
JUNK = {"base_utils", "common", "helper", "helpers", "manager", "misc", "util", "utils"}

Imports = Mapping[str, frozenset[str]]


def modules(place: Path) -> list[Path]:
    """Return the Python files of a room: one file, or all below a folder."""
    return [place] if place.is_file() else sorted(place.rglob("*.py"))


def missing_rooms(root: Path) -> list[str]:
    """Return the rooms in which nothing is defined, since they are not there, or empty."""
    return [room for room in ROOMS if not any(_defines(path) for path in modules(root / room))]


def imports(root: Path) -> Imports:
    """Return the dotted names that each module imports."""
    files = [path for name in OURS for path in modules(root / (f"{name}.py" if name == "worker" else name))]
    return {_name(root, path): frozenset(_imported(path)) for path in files}


@cache
def house() -> Imports:
    return imports(ROOT)


def strangers(found: Imports) -> list[str]:
    """Return the imports that go where they may not."""
    return [
        f"{module} -> {target}"
        for module, targets in found.items()
        for target in targets
        if target.split(".")[0] in OURS and not _may(module, target)
    ]


def circle(found: Imports) -> list[str]:
    """Return the first circle, of modules or of the parts of one package; empty if there is none."""
    for level in range(max(name.count(".") for name in found) + 1):
        edges = defaultdict[str, set[str]](set)
        for module, targets in found.items():
            for target in targets:
                _add_edge(edges, module, _module(target, found), level)
        if around := _circle_in(edges):
            return around
    return []


def _defines(path: Path) -> bool:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return any(isinstance(node, kinds) for node in ast.walk(ast.parse(path.read_text())))


def _name(root: Path, path: Path) -> str:
    return ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import hides where it goes"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _within(name: str, part: str) -> bool:
    return name == part or name.startswith(f"{part}.")


def _may(module: str, target: str) -> bool:
    part = max((part for part in MAY_IMPORT if _within(module, part)), key=len, default=None)
    return part is not None and any(_within(target, allowed) for allowed in (part, *MAY_IMPORT[part]))


def _module(target: str, found: Imports) -> str:
    """Return the module of an imported name: the name itself, if it is a module."""
    return target if target in found else target.rpartition(".")[0]


def _add_edge(edges: dict[str, set[str]], module: str, target: str, level: int) -> None:
    """Add the edge between two parts of one package: at level 0 of the top, at level 1 of what is in it."""
    here, there = module.split("."), target.split(".")
    if here[:level] == there[:level] and len(here) > level < len(there) and here[level] != there[level]:
        edges[".".join(here[: level + 1])].add(".".join(there[: level + 1]))


def _circle_in(edges: Mapping[str, Iterable[str]]) -> list[str]:
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def _built(root: Path, sources: Mapping[str, str]) -> Path:
    for name, source in sources.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    return root


def test_every_room_of_the_design_exists_and_is_furnished() -> None:
    assert missing_rooms(ROOT) == []


def test_imports_go_one_way_only() -> None:
    assert strangers(house()) == []


def test_nothing_goes_round_in_a_circle() -> None:
    assert circle(house()) == []


def test_workflows_and_domain_import_no_input_or_output() -> None:
    own = {module: targets for module, targets in house().items() if _within(module, "slotsync.domain")}
    own |= {module: targets for module, targets in house().items() if _within(module, "workflows")}
    assert {"workflows.reservation", "slotsync.domain.reservations.plan"} <= own.keys()
    assert {target.split(".")[0] for targets in own.values() for target in targets} & INPUT_AND_OUTPUT == set()


def test_each_file_of_activities_but_two_holds_activities() -> None:
    files = {path.stem: "@activity.defn" in path.read_text() for path in modules(ROOT / "activities")}
    assert {name for name, holds in files.items() if not holds} == {"__init__", "bootstrap", "errors"}


def test_no_file_is_called_a_junk_drawer() -> None:
    assert {module.rpartition(".")[2] for module in house()} & JUNK == set()


def test_a_room_that_is_missing_or_empty_is_found(tmp_path: Path) -> None:
    sources = {room if room.endswith(".py") else f"{room}/room.py": "def act() -> None: ...\n" for room in ROOMS}
    assert missing_rooms(_built(tmp_path, sources)) == []
    (tmp_path / "workflows" / "steps" / "room.py").write_text("x = 1\n")
    (tmp_path / "slotsync" / "temporal").rename(tmp_path / "slotsync" / "engine")
    assert missing_rooms(tmp_path) == ["workflows/steps", "slotsync/temporal"]


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("localgoogle/server.py", "from slotsync.clock import utc_now"),
        ("localgoogle/server.py", "import starter"),
        ("slotsync/google/events.py", "from slotsync.store.merchants import ensure_merchant"),
        ("slotsync/temporal/queues.py", "from slotsync.google import errors"),
        ("slotsync/domain/health.py", "from slotsync import clock"),
        ("workflows/reservation.py", "from slotsync.store.tables import reservations"),
        ("activities/events.py", "from workflows.reservation import ReservationWorkflow"),
        ("slotsync/newcomer.py", "from activities.events import EventActivities"),
    ],
)
def test_an_import_that_goes_where_it_may_not_is_found(module: str, line: str, tmp_path: Path) -> None:
    assert len(strangers(imports(_built(tmp_path, {"worker.py": "", module: line})))) == 1


def test_circles_of_modules_and_of_packages_are_found(tmp_path: Path) -> None:
    sources = {
        "worker.py": "",
        "slotsync/store/a.py": "from slotsync.google.b import x",
        "slotsync/google/b.py": "",
        "slotsync/google/c.py": "from slotsync.store import a",
    }
    assert set(circle(imports(_built(tmp_path, sources)))) == {"slotsync.store", "slotsync.google"}
    assert circle(imports(_built(tmp_path, {"slotsync/google/c.py": ""}))) == []
