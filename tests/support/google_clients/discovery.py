"""Google's description of its API: the discovery document in google-api-python-client."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TypeAlias, cast

Node: TypeAlias = dict[str, object]


@dataclass(frozen=True)
class Method:
    """One method of the API: its requests, and the schemas of its bodies."""

    id: str
    verb: str
    path: re.Pattern[str]
    request: str | None
    response: str | None
    query: frozenset[str]
    required_query: frozenset[str]


@cache
def document() -> Node:
    """Return the discovery document."""
    source = files("googleapiclient") / "discovery_cache" / "documents" / "calendar.v3.json"
    return cast("Node", json.loads(source.read_text("utf-8")))


@cache
def methods() -> tuple[Method, ...]:
    """Return all methods of the document."""
    return tuple(_method(node) for node in _method_nodes(document()))


def method_of(verb: str, path: str) -> Method:
    """Return the method of a request.

    Raises:
        LookupError: the document has no such method.
    """
    for method in methods():
        if method.verb == verb and method.path.fullmatch(path):
            return method
    raise LookupError(f"the discovery document has no {verb} {path}")


def _method_nodes(node: Node) -> Iterator[Node]:
    yield from _children(node, "methods")
    for resource in _children(node, "resources"):
        yield from _method_nodes(resource)


def _children(node: Node, key: str) -> list[Node]:
    return list(cast("dict[str, Node]", node.get(key, {})).values())


def _method(node: Node) -> Method:
    own = _query_parameters(node)
    return Method(
        id=cast("str", node["id"]),
        verb=cast("str", node["httpMethod"]),
        path=_path_pattern(cast("str", node["path"])),
        request=_reference(node, "request"),
        response=_reference(node, "response"),
        query=frozenset(own) | frozenset(_query_parameters(document())),
        required_query=frozenset(name for name, parameter in own.items() if parameter.get("required")),
    )


def _query_parameters(node: Node) -> dict[str, Node]:
    parameters = cast("dict[str, Node]", node.get("parameters", {}))
    return {name: parameter for name, parameter in parameters.items() if parameter["location"] == "query"}


def _path_pattern(path: str) -> re.Pattern[str]:
    whole = f"/{document()['servicePath']}{path}"
    return re.compile(re.sub(r"\{\w+\}", "[^/]+", whole))


def _reference(node: Node, key: str) -> str | None:
    return cast("dict[str, str]", node.get(key, {})).get("$ref")
