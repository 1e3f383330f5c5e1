"""``slotsync`` as a person or a script runs it: real processes, from start to Ctrl-C."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import chdir, redirect_stderr, redirect_stdout
from contextvars import Context
from pathlib import Path
from unittest import mock

import httpx

from starter.cli import run as run_slotsync

SLOTSYNC = (sys.executable, "-m", "starter")
HERE = Path(__file__).parents[2]


def wait_for(condition: Callable[[], object], within: float = 240) -> None:
    ends = time.monotonic() + within
    while not condition():
        assert time.monotonic() < ends, "waited too long"
        time.sleep(0.05)


def bare_environment() -> dict[str, str]:
    """Remove every setting of slotsync from the environment."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("SLOTSYNC_", "TEMPORAL_"))}
    return {**own, "PYTHONPATH": str(HERE)}


def slotsync(
    *arguments: str, folder: Path, environment: dict[str, str], text: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*SLOTSYNC, *arguments],
        cwd=folder,
        env=environment,
        input=text,
        capture_output=True,
        text=True,
        check=False,
        timeout=150,
    )


def slotsync_here(
    *arguments: str, folder: Path, environment: dict[str, str], text: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run the command in this process, which saves the two seconds in which a new one imports everything."""
    output, errors, code = io.StringIO(), io.StringIO(), 0
    given = mock.patch.multiple(sys, argv=["slotsync", *arguments], stdin=io.TextIOWrapper(io.BytesIO(text.encode())))
    settings = mock.patch.dict(os.environ, environment, clear=True)
    with settings, given, chdir(folder), redirect_stdout(output), redirect_stderr(errors):
        try:
            Context().run(run_slotsync)  # as in a new process: no test before has said who acts
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else int(bool(ended.code))
    return subprocess.CompletedProcess(arguments, code, output.getvalue(), errors.getvalue())


class RunningCommand:
    """``slotsync dev`` or ``slotsync demo`` in a folder of its own."""

    def __init__(self, folder: Path, command: str = "dev", *options: str) -> None:
        self.folder = folder
        ready = folder / "ready.json"
        self.environment = bare_environment()
        arguments = [*SLOTSYNC, command, *options, "--ready", str(ready)]
        self.process = subprocess.Popen(arguments, cwd=folder, env=self.environment)

        def is_ready() -> bool:
            assert self.process.poll() is None, f"slotsync {command} ended at once"
            return ready.exists() and ready.read_text().endswith("}\n")

        wait_for(is_ready)
        self.places: dict[str, str] = json.loads(ready.read_text())
        self._read_environment(folder / ".slotsync" / command / "environment")

    def run(self, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
        """Run another command with the settings of this one, in a process of its own."""
        return slotsync(*arguments, folder=self.folder, environment=self.environment, text=text)

    def run_here(self, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
        """Run another command with the settings of this one, in this process."""
        return slotsync_here(*arguments, folder=self.folder, environment=self.environment, text=text)

    def titles(self) -> list[str]:
        """Return the titles of the events in the tour's calendar."""
        account = f"{self.places['google']}/sandbox/accounts/arctic-kayaks@gmail.example"
        calendars = httpx.get(f"{account}/calendars").json()["items"]
        tours = [each["id"] for each in calendars if each["summary"] == "Sunset tour"]
        events = [each for tour in tours for each in httpx.get(f"{account}/calendars/{tour}/events").json()["items"]]
        return sorted(each["summary"] for each in events if each["status"] != "cancelled")

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)

    def _read_environment(self, file: Path) -> None:
        output = subprocess.run(["sh", "-c", f". '{file}'; env -0"], capture_output=True, text=True, check=True).stdout
        pairs = (line.split("=", 1) for line in output.split("\0") if line)
        self.environment |= {name: value for name, value in pairs if name.startswith(("SLOTSYNC_", "TEMPORAL_"))}
