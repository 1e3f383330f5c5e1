"""Partial responses: the `fields` parameter, such as `items(id,start/dateTime),nextPageToken`."""

import re

from localgoogle.protocol.errors import invalid
from localgoogle.protocol.json_values import JsonObject

Selection = dict[str, "Selection"]
"""The fields to keep, by name; an empty selection keeps all fields below it."""

_TOKEN = re.compile(r"[^,/()\s]+|[,/()]")


def select_fields(content: JsonObject, text: str) -> JsonObject:
    """Return the fields of an answer that ``text`` selects.

    Raises:
        CalendarApiError: ``invalid``, if ``text`` is no field selection.
    """
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
    wildcard = selection.get("*")
    return {
        name: _keep_selected(value, selection.get(name, wildcard or {}))
        for name, value in content.items()
        if name in selection or wildcard is not None
    }
