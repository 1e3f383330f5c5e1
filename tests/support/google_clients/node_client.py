"""Google's Node client, in a Node process of its own that reads and writes lines of JSON."""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
from itertools import count
from pathlib import Path
from typing import IO, cast

from tests.support.google_clients.calendar_client import CalendarClient, Grant, Parameters, Refused

HERE = Path(__file__).parent


def install() -> None:
    """Install the packages of the lock file if they are missing or old, in one test process at a time."""
    lock, installed = HERE / "package-lock.json", HERE / "node_modules" / ".package-lock.json"
    with lock.open() as mine:
        fcntl.flock(mine, fcntl.LOCK_EX)
        if installed.exists() and installed.stat().st_mtime >= lock.stat().st_mtime:
            return
        npm = [_program("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(npm, cwd=HERE, check=True)


class NodeProcess:
    """One Node process. Its clients share only the process."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [_program("node"), "client.mjs"], cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._numbers = count(1)

    def connect(self, grant: Grant) -> NodeClient:
        """Return a client that acts for the grant."""
        connection = next(self._numbers)
        self.ask(
            {
                "connect": connection,
                "google": grant.google,
                "clientId": grant.client_id,
                "clientSecret": grant.client_secret,
                "tokens": {"refresh_token": grant.refresh_token, "access_token": grant.access_token},
            }
        )
        return NodeClient(self, connection)

    def ask(self, question: dict[str, object]) -> object:
        """Return the process's answer. Raises Refused if Google refused, ConnectionError if it did not answer."""
        stdin, stdout = cast("IO[str]", self._process.stdin), cast("IO[str]", self._process.stdout)
        print(json.dumps(question), file=stdin, flush=True)
        answer = json.loads(stdout.readline())
        if "refused" in answer:
            raise Refused(**answer["refused"])
        if "lost" in answer:
            raise ConnectionError(answer["lost"])
        return cast("object", answer["answer"])

    def stop(self) -> None:
        """End the process, and wait for its end."""
        self._process.communicate(timeout=10)


class NodeClient(CalendarClient):
    """@googleapis/calendar with google-auth-library, pointed at the local Google."""

    def __init__(self, process: NodeProcess, connection: int) -> None:
        self._process = process
        self._connection = connection

    def call(self, method: str, parameters: Parameters, *, body: object = None, if_match: str | None = None) -> object:
        return self._process.ask(
            {
                "connection": self._connection,
                "method": method,
                "parameters": parameters if body is None else {**parameters, "requestBody": body},
                "headers": {"If-Match": if_match} if if_match else {},
            }
        )

    def close(self) -> None:
        self._process.ask({"disconnect": self._connection})


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise FileNotFoundError(f"{name} is not on the path, and the scenarios must run through Node here")
    return found
