"""E-mails speak Finnish wherever they speak English."""

from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import slotsync.mail

HERE = Path(str(slotsync.mail.__file__)).parent
TEMPLATES = "**/templates/**"


def texts() -> set[str | tuple[str, ...]]:
    """Return every text of the e-mails."""
    found = extract_from_dir(
        HERE,
        method_map=[("**.py", "python"), (TEMPLATES, "jinja2.ext:babel_extract")],
        options_map={TEMPLATES: {"trimmed": "true"}},
        keywords={"_": None, "gettext": None, "ngettext": (1, 2)},
    )
    return {message for _, _, message, _, _ in found}


def finnish() -> Catalog:
    with (HERE / "words" / "fi.po").open("rb") as source:
        return read_po(source, locale="fi")


def test_every_text_is_translated_and_no_translation_is_left_over() -> None:
    assert {message.id for message in finnish() if message.id} == texts()
    assert len(texts()) > 10


def test_translations_keep_what_is_filled_in() -> None:
    assert {message.id: list(map(str, errors)) for message, errors in finnish().check()} == {}
    assert [message.id for message in finnish() if message.id and not message.string] == []
