"""Partial responses: the ``fields`` parameter, such as ``items(id,start/dateTime),nextPageToken``."""

import re

from slotsync.sandbox.api_error import invalid
from slotsync.sandbox.json_types import JsonObject

Selection = dict[str, "Selection"]
"""What to keep, by name; an empty selection keeps all below."""

_TOKEN = re.compile(r"[^,/()\s]+|[,/()]")


def selected(content: JsonObject, text: str) -> JsonObject:
    """The parts of an answer that were asked for."""
    tokens = _TOKEN.findall(text)
    selection = _list(tokens)
    if tokens:
        raise invalid("Invalid field selection.", "fields")
    kept = _kept(content, selection)
    return kept if isinstance(kept, dict) else {}


def _list(tokens: list[str]) -> Selection:
    selection: Selection = {}
    while tokens and tokens[0] != ")":
        name = tokens.pop(0)
        if name in {",", "/", "("}:
            raise invalid("Invalid field selection.", "fields")
        selection.setdefault(name, {}).update(_below(tokens))
        if tokens and tokens[0] == ",":
            tokens.pop(0)
    return selection


def _below(tokens: list[str]) -> Selection:
    if tokens and tokens[0] == "/":
        tokens.pop(0)
        if not tokens:
            raise invalid("Invalid field selection.", "fields")
        return {tokens.pop(0): _below(tokens)}
    if tokens and tokens[0] == "(":
        tokens.pop(0)
        selection = _list(tokens)
        if not tokens:
            raise invalid("Invalid field selection.", "fields")
        tokens.pop(0)
        return selection
    return {}


def _kept(content: object, selection: Selection) -> object:
    if not selection:
        return content
    if isinstance(content, list):
        return [_kept(item, selection) for item in content]
    if not isinstance(content, dict):
        return content
    star = selection.get("*")
    return {
        name: _kept(value, selection.get(name, star or {}))
        for name, value in content.items()
        if name in selection or star is not None
    }
