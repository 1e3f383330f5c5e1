"""The language of the project (design.md): no private words, and docstrings that begin with what the reader gets."""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ("worker.py", "workflows", "activities", "starter", "slotsync", "localgoogle")
ALL_CODE = (*SOURCE, "tests", "bench")

_WORDS = "breather|turned_out|whose|rung_at|whoever|nobody who|told_to_temporal|happening|standing|farewell"
PRIVATE_WORDS = re.compile(rf"\b({_WORDS})\b", re.IGNORECASE)
OPENINGS = re.compile(
    r"(What|Whether|Those|These|The same|Whoever|Nothing|Nobody|Everybody|Everything|Who|How|Its|Their|It|They)\b"
)


class AllowedWord(NamedTuple):
    """A private word that one file has to keep."""

    file: str
    word: str
    reason: str


COLUMN = "stored: the column watched_calendar.rung_at"
FIELD = "public: a field of the answer to DELETE /v1/merchants/{merchant}/google"
ALLOWED = (
    AllowedWord("starter/__init__.py", "standing", "public: starter.Standing, the former name of SyncStatus"),
    AllowedWord("tests/unit/starter/test_public_names.py", "standing", "public: starter.Standing"),
    AllowedWord("starter/api/google.py", "farewell", FIELD),
    AllowedWord("tests/integration/api/test_google.py", "farewell", FIELD),
    AllowedWord("slotsync/store/tables/availability.py", "rung_at", COLUMN),
    AllowedWord("slotsync/store/availability/push_channels.py", "rung_at", COLUMN),
    AllowedWord("slotsync/store/availability/watched_accounts.py", "rung_at", COLUMN),
    AllowedWord("slotsync/store/database/migrations/versions/rev_0005_availability.py", "rung_at", COLUMN),
)


def python_files(rooms: Iterable[str]) -> Iterator[Path]:
    for room in rooms:
        place = ROOT / room
        found = [place] if place.is_file() else sorted(place.rglob("*.py"))
        yield from (path for path in found if "node_modules" not in path.parts)


def private_words(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the line number and the word, in lower case, of each private word."""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        yield from ((number, found.group().lower()) for found in PRIVATE_WORDS.finditer(line))


def is_allowed(name: str, word: str) -> bool:
    return any(name.endswith(each.file) and word == each.word for each in ALLOWED)


def docstrings(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the line number and the text of each docstring, those of constants and fields included."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.lineno, node.value.value.strip()


def test_no_private_word_is_left_but_stored_and_public_names() -> None:
    files = {path: str(path.relative_to(ROOT)) for path in python_files(ALL_CODE) if path != Path(__file__)}
    assert len(files) > 300
    assert [
        f"{name}:{number}: {word}"
        for path, name in files.items()
        for number, word in private_words(path)
        if not is_allowed(name, word)
    ] == []


@pytest.mark.parametrize("allowed", ALLOWED, ids=lambda each: f"{each.file}:{each.word}")
def test_each_allowed_word_still_occurs(allowed: AllowedWord) -> None:
    files = [path for path in python_files(ALL_CODE) if str(path).endswith(f"/{allowed.file}")]
    assert any(word == allowed.word for path in files for _, word in private_words(path)), allowed.reason


def test_docstrings_begin_with_a_verb_or_a_noun() -> None:
    found = [(path, *docstring) for path in python_files(SOURCE) for docstring in docstrings(path)]
    assert len(found) > 1000
    assert [
        f"{path.relative_to(ROOT)}:{number}: {text.splitlines()[0]}"
        for path, number, text in found
        if OPENINGS.match(text)
    ] == []
