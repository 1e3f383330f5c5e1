"""The page speaks Finnish wherever it speaks English."""

from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import starter.settings_page
from slotsync.domain.connections.connection import FREEBUSY, missing_scopes, wanted_scopes

HERE = Path(starter.settings_page.__file__).parent
TEMPLATES = "**/templates/**.html"
WORDS = {"_": None, "gettext": None, "ngettext": (1, 2)}


def texts() -> set[str | tuple[str, ...]]:
    """Return every text of the page."""
    found = extract_from_dir(
        HERE,
        method_map=[("**.py", "python"), (TEMPLATES, "jinja2.ext:babel_extract")],
        options_map={TEMPLATES: {"trimmed": "true"}},
        keywords=WORDS,
    )
    grants = [(push, granted) for push in (True, False) for granted in ((), (FREEBUSY,))]
    lacking = [each for push, granted in grants for each in missing_scopes(granted, wanted_scopes(push=push))]
    consequences = {each.consequence for each in lacking}
    return {message for _, _, message, _, _ in found} | consequences


@pytest.fixture(scope="module")
def finnish() -> Catalog:
    with (HERE / "words" / "fi.po").open("rb") as source:
        return read_po(source, locale="fi")


def test_every_text_is_translated_and_no_translation_is_left_over(finnish: Catalog) -> None:
    translated = {message.id for message in finnish if message.id}
    assert len(translated) > 100
    assert translated == texts()


def test_translations_keep_what_is_filled_in(finnish: Catalog) -> None:
    broken = {message.id: list(map(str, errors)) for message, errors in finnish.check()}
    assert broken == {}
    assert [message.id for message in finnish if message.id and not message.string] == []
