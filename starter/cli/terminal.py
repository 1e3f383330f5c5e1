"""Print for people at a terminal. Stored texts and ids are somebody else's: none of them may command it."""

import json
import re
import unicodedata
from typing import Final

from rich.console import Console
from rich.highlighter import JSONHighlighter
from rich.markup import escape

console: Final = Console(emoji=False)
"""The console of all commands. An id such as ``a:dog:1`` shows no dog."""

_UNSAFE: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""The Unicode categories of characters that move the cursor, begin a command, or change the order of others."""

_JOINERS: Final = "\u200c\u200d"
"""Format characters that only join letters and emojis, or keep them apart."""


def visible(text: object, keep: str = "") -> str:
    """Return the text with characters that a terminal would obey written as in Python code.

    Those in ``keep`` stay, such as the end of a line.
    """
    return "".join(each if each in keep or not _is_unsafe(each) else ascii(each)[1:-1] for each in str(text))


def plain(text: object) -> str:
    """Return the text to be printed among rich's markup, as it is: without commands, and without markup of its own."""
    return escape(visible(text))


def print_json(value: object) -> None:
    """Print a value as JSON. Characters that a terminal would obey are escaped, which leaves the value as it is."""
    text = json_visible(json.dumps(value, ensure_ascii=False, indent=2))
    console.print(JSONHighlighter()(text), soft_wrap=True)


def json_visible(text: str) -> str:
    """Return the JSON with characters escaped that a terminal would obey; line ends between values stay."""
    return re.sub(r"[^\x20-\x7e\n]", lambda found: _escape_in_json(found[0]), text)


def _escape_in_json(character: str) -> str:
    return json.dumps(character)[1:-1] if _is_unsafe(character) else character


def _is_unsafe(character: str) -> bool:
    return unicodedata.category(character) in _UNSAFE and character not in _JOINERS
