"""Proof that the unit tests need no server: whatever opens a connection, listens or starts a process fails."""

import socket
import subprocess
from collections.abc import Callable
from typing import NoReturn

import pytest


def _refusal(action: str) -> Callable[..., NoReturn]:
    def refuse(*args: object, **_: object) -> NoReturn:
        pytest.fail(f"a unit test {action}: {args[1:]}. Tests with servers or processes belong in tests/integration")

    return refuse


@pytest.fixture(autouse=True)
def _without_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    for method, action in (("connect", "connects"), ("connect_ex", "connects"), ("bind", "listens")):
        monkeypatch.setattr(socket.socket, method, _refusal(action))
    monkeypatch.setattr(subprocess.Popen, "__init__", _refusal("starts a process"))
