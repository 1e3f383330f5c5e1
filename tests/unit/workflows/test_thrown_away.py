"""Workflows that are thrown away: a worker that ends leaves coroutines that Python closes wherever they wait."""

import ast
from collections.abc import Iterator
from pathlib import Path

import workflows

WORKFLOWS = Path(workflows.__file__).parent
PASSES_ON = "is_cancelled_exception"
"""What a handler of every exception asks before it waits: the closing of a coroutine is none of these."""


def _awaits(nodes: list[ast.stmt]) -> bool:
    return any(isinstance(inner, ast.Await) for node in nodes for inner in ast.walk(node))


def _catches_all(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or ast.unparse(handler.type) == "BaseException"


def _waits_when_closed(source: str) -> Iterator[int]:
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Try):
            continue
        if _awaits(node.finalbody):
            yield node.finalbody[0].lineno
        for handler in node.handlers:
            if _catches_all(handler) and _awaits(handler.body) and PASSES_ON not in ast.unparse(handler):
                yield handler.lineno


def test_no_workflow_waits_for_anything_while_it_is_closed() -> None:
    files = sorted(WORKFLOWS.rglob("*.py"))
    assert len(files) > 10
    found = {file.name: lines for file in files if (lines := [*_waits_when_closed(file.read_text())])}
    assert not found


def test_what_waits_while_it_is_closed_is_found() -> None:
    assert [*_waits_when_closed("async def a():\n try:\n  await b\n finally:\n  await c")] == [5]
    assert [*_waits_when_closed("async def a():\n try:\n  await b\n except BaseException:\n  await c")] == [4]
    assert not [*_waits_when_closed("async def a():\n try:\n  await b\n except ValueError:\n  await c")]
