"""Translations of a package's texts, from the ``.po`` files in its folder ``words``."""

from functools import cache
from gettext import GNUTranslations, NullTranslations
from importlib.resources import files
from io import BytesIO

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LANGUAGES = ("en", "fi")
SOURCE_LANGUAGE = "en"
"""The language that all texts are written in."""


@cache
def load_translations(package: str, code: str) -> NullTranslations:
    """Return the package's translations from the source language."""
    if code == SOURCE_LANGUAGE:
        return NullTranslations()
    with files(package).joinpath("words", f"{code}.po").open("rb") as source:
        catalog = read_po(source, locale=code)
    compiled = BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return GNUTranslations(compiled)
