"""What documents point to exists: tests by their names, files, and headings."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from slotsync.store.tables import METADATA

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
PROMISES = (ROOT / "docs/security.md").read_text()

_TEST = re.compile(r"\b(tests/[\w/]+\.py)(?:::(\w+))?")
_LINK = re.compile(r"\]\(([^)\s]+)\)")


def named_tests(text: str) -> Iterator[tuple[str, str]]:
    """Yield the file and the name, which may be empty, of each test in a text."""
    yield from ((found[1], found[2] or "") for found in _TEST.finditer(text))


def exists(file: str, name: str) -> bool:
    path = ROOT / file
    return path.is_file() and (
        not name or re.search(rf"^(async )?def {name}\(", path.read_text(), re.MULTILINE) is not None
    )


def anchors(document: Path) -> set[str]:
    """Return the anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def rows(text: str) -> list[str]:
    """Return the rows of the tables of promises."""
    promised = text.split("## What we promise")[1].split("## What we do not promise", maxsplit=1)[0]
    lines = [line for line in promised.splitlines() if line.startswith("| ")]
    return [line for line in lines if not line.startswith(("| promise", "| ---"))]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: str(document.relative_to(ROOT)))
def test_the_tests_that_a_document_names_exist(document: Path) -> None:
    assert [named for named in named_tests(document.read_text()) if not exists(*named)] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: str(document.relative_to(ROOT)))
def test_what_a_document_links_to_exists(document: Path) -> None:
    for link in _LINK.findall(document.read_text()):
        if "://" not in link:
            path, _, anchor = unquote(link).partition("#")
            target = (document.parent / path) if path else document
            assert target.exists(), f"{link} leads nowhere"
            assert not anchor or anchor in anchors(target), f"{link} leads to no heading"


def test_what_is_stored_names_every_table() -> None:
    stored = (ROOT / "docs/architecture.md").read_text().split("## What is stored")[1].split("\n## ")[0]
    first_cells = [line.split("|")[1] for line in stored.splitlines() if line.startswith("| `")]
    assert {name for cell in first_cells for name in re.findall(r"`(\w+)`", cell)} == set(METADATA.tables)


def test_each_promise_names_a_test() -> None:
    assert len(rows(PROMISES)) > 20
    assert [row for row in rows(PROMISES) if not any(name for _, name in named_tests(row))] == []


@pytest.mark.parametrize(
    ("file", "name", "found"),
    [
        ("tests/unit/test_documents.py", "", True),
        ("tests/unit/test_documents.py", "test_each_promise_names_a_test", True),
        ("tests/unit/test_documents.py", "test_each_promise", False),
        ("tests/unit/test_nothing.py", "", False),
    ],
)
def test_a_test_that_does_not_exist_is_found(file: str, name: str, found: bool) -> None:
    assert exists(file, name) == found
