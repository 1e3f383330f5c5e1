"""Partial responses: the `fields` parameter, such as `items(id,start/dateTime),nextPageToken`."""

import re

from localgoogle.protocol.errors import invalid
from localgoogle.protocol.json_values import JsonObject

Selection = dict[str, "Selection"]
"""What to keep, by name; an empty selection keeps all below."""

_TOKEN = re.compile(r"[^,/()\s]+|[,/()]")


def select_fields(content: JsonObject, text: str) -> JsonObject:
    """The parts of an answer that were asked for."""
    tokens = _TOKEN.findall(text)
    selection = _parse_fields(tokens)
    if tokens:
        raise invalid("Invalid field selection.", "fields")
    kept = _keep_selected(content, selection)
    return kept if isinstance(kept, dict) else {}


def _parse_fields(tokens: list[str]) -> Selection:
    selection: Selection = {}
    while tokens and tokens[0] != ")":
        name = tokens.pop(0)
        if name in {",", "/", "("}:
            raise invalid("Invalid field selection.", "fields")
        selection.setdefault(name, {}).update(_parse_subfields(tokens))
        if tokens and tokens[0] == ",":
            tokens.pop(0)
    return selection


def _parse_subfields(tokens: list[str]) -> Selection:
    if tokens and tokens[0] == "/":
        tokens.pop(0)
        if not tokens:
            raise invalid("Invalid field selection.", "fields")
        return {tokens.pop(0): _parse_subfields(tokens)}
    if tokens and tokens[0] == "(":
        tokens.pop(0)
        selection = _parse_fields(tokens)
        if not tokens:
            raise invalid("Invalid field selection.", "fields")
        tokens.pop(0)
        return selection
    return {}


def _keep_selected(content: object, selection: Selection) -> object:
    if not selection:
        return content
    if isinstance(content, list):
        return [_keep_selected(item, selection) for item in content]
    if not isinstance(content, dict):
        return content
    star = selection.get("*")
    return {
        name: _keep_selected(value, selection.get(name, star or {}))
        for name, value in content.items()
        if name in selection or star is not None
    }
