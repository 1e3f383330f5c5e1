"""Google's discovery document: the methods, parameters, scopes and schemas of Calendar v3."""

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import googleapiclient.discovery_cache

from localgoogle.protocol.json_values import JsonObject, as_list, as_object, as_text


@dataclass(frozen=True)
class Parameter:
    """One parameter of a method."""

    name: str
    type: str
    format: str
    in_path: bool
    required: bool
    repeated: bool
    enum: frozenset[str]
    minimum: int | None
    maximum: int | None

    @classmethod
    def read(cls, name: str, entry: JsonObject) -> "Parameter":
        """Return the parameter that this entry of the document describes."""
        return cls(
            name=name,
            type=as_text(entry.get("type"), "string"),
            format=as_text(entry.get("format")),
            in_path=entry.get("location") == "path",
            required=bool(entry.get("required")),
            repeated=bool(entry.get("repeated")),
            enum=frozenset(map(str, as_list(entry.get("enum")))),
            minimum=_bound(entry.get("minimum")),
            maximum=_bound(entry.get("maximum")),
        )


@dataclass(frozen=True)
class Method:
    """One method; its id is without the name of the API: ``events.insert``."""

    id: str
    verb: str
    path: re.Pattern[str]
    parameters: tuple[Parameter, ...]
    request: str | None
    response: str | None
    scopes: frozenset[str]

    @classmethod
    def read(cls, entry: JsonObject) -> "Method":
        """Return the method that this entry of the document describes."""
        parameters = as_object(entry.get("parameters"))
        return cls(
            id=as_text(entry["id"]).removeprefix("calendar."),
            verb=as_text(entry["httpMethod"]),
            path=_pattern(as_text(entry["path"])),
            parameters=tuple(Parameter.read(name, as_object(value)) for name, value in parameters.items()),
            request=_reference(entry.get("request")),
            response=_reference(entry.get("response")),
            scopes=frozenset(map(str, as_list(entry.get("scopes")))),
        )


class Discovery:
    """The discovery document, with its methods by id and by request."""

    def __init__(self, document: JsonObject) -> None:
        self.document = document
        self.base_path = as_text(document["basePath"])
        self.batch_path = "/" + as_text(document["batchPath"])
        self.schemas = as_object(document["schemas"])
        self.parameters = tuple(Parameter.read(n, as_object(p)) for n, p in as_object(document["parameters"]).items())
        resources = as_object(document["resources"]).values()
        entries = [entry for resource in resources for entry in as_object(as_object(resource)["methods"]).values()]
        self.methods = {method.id: method for method in map(Method.read, map(as_object, entries))}
        self._by_verb: dict[str, list[Method]] = {}
        for method in self.methods.values():
            self._by_verb.setdefault(method.verb, []).append(method)

    def match(self, verb: str, raw_path: str) -> tuple[Method, dict[str, str]] | None:
        """Return the method of a request and its decoded path parameters, or None if there is no such method."""
        path = raw_path.removeprefix(self.base_path)
        for method in self._by_verb.get(verb, ()):
            if found := method.path.fullmatch(path):
                return method, {name: unquote(value) for name, value in found.groupdict().items()}
        return None

    def properties(self, schema: str) -> JsonObject:
        """Return the properties of a schema, by name."""
        return as_object(as_object(self.schemas[schema]).get("properties"))


@cache
def calendar_v3() -> Discovery:
    """Return the discovery document that ships inside google-api-python-client."""
    path = Path(googleapiclient.discovery_cache.__file__).parent / "documents" / "calendar.v3.json"
    return Discovery(as_object(json.loads(path.read_text(encoding="utf-8"))))


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(template)))


def _reference(value: object) -> str | None:
    return as_text(as_object(value).get("$ref")) or None


def _bound(value: object) -> int | None:
    return int(value) if isinstance(value, str) else None
