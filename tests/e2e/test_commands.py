"""The commands as a person or a script runs them: real processes, from start to Ctrl-C."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest

SLOTSYNC = (sys.executable, "-m", "starter")
HERE = Path(__file__).parent.parent.parent


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


class Dev:
    """``slotsync dev`` in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        ready = folder / "ready.json"
        self._environment = bare_environment()
        self.process = subprocess.Popen([*SLOTSYNC, "dev", "--ready", str(ready)], cwd=folder, env=self._environment)
        wait_for(lambda: ready.exists() and ready.read_text().endswith("}\n"))
        self.places: dict[str, str] = json.loads(ready.read_text())
        self._read_environment(folder / ".slotsync" / "dev" / "environment")

    def run(self, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
        return slotsync(*arguments, folder=self.folder, environment=self._environment, text=text)

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
        self._environment |= {name: value for name, value in pairs if name.startswith(("SLOTSYNC_", "TEMPORAL_"))}


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    running = Dev(tmp_path_factory.mktemp("dev"))
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.stop()


def snapshot(name: str, version: int = 1, title: str = "Two guests") -> str:
    item = {"product": "sunset-tour", "start": "2027-07-01T18:00:00+03:00", "end": "2027-07-01T20:00:00+03:00"}
    output = {"merchant": "arctic-kayaks", "id": name, "version": version, "title": title, "items": [item]}
    return json.dumps(output)


def test_a_reservation_is_reported_shown_and_cancelled(dev: Dev) -> None:
    reported = dev.run("report", "-", text=snapshot("R-1", title="Anna, two persons"))
    assert (reported.returncode, reported.stdout) == (0, "R-1: version 1 is on its way\n")
    wait_for(lambda: "Anna, two persons" in dev.titles())
    assert "in_step" in dev.run("status", "arctic-kayaks", "R-1").stdout
    assert dev.run("cancel", "arctic-kayaks", "R-1", "--version", "2").returncode == 0
    wait_for(lambda: "Anna, two persons" not in dev.titles())
    late = dev.run("report", "-", text=snapshot("R-1"))
    assert (late.returncode, late.stdout) == (0, "R-1: superseded, version 2 is known; nothing was changed\n")


def test_a_file_is_imported_and_its_bad_lines_are_named(dev: Dev) -> None:
    lines = [snapshot(f"I-{number}", title=f"Import {number}") for number in range(4)]
    lines[2] = '{"merchant": "arctic-kayaks"}'
    (dev.folder / "snapshots.jsonl").write_text("\n".join(lines))
    imported = dev.run("import", "snapshots.jsonl")
    assert imported.returncode == 1
    assert "line 3: version: Field required; id: Field required" in imported.stdout
    wait_for(lambda: {"Import 0", "Import 1", "Import 3"} <= set(dev.titles()))
    assert "arctic-kayaks" in dev.run("status").stdout


def test_the_api_answers_where_the_ready_file_says_and_takes_its_key(dev: Dev) -> None:
    address = f"{dev.places['api']}/v1/merchants/arctic-kayaks/google"
    answer = httpx.get(address, headers={"Authorization": f"Bearer {dev.places['api_key']}"})
    assert (answer.status_code, answer.json()["state"]) == (200, "active")
    assert httpx.get(address).status_code == 401


def test_why_a_time_can_be_booked_is_said_in_the_products_time_zone(dev: Dev) -> None:
    output = dev.run("explain", "arctic-kayaks", "sunset-tour", "2027-07-01T18:00")
    assert output.returncode == 0, output.stderr
    assert "2027-07-01 18:00:00 (Europe/Helsinki): free, can be booked" in output.stdout
    assert "free: no calendar blocks it" in output.stdout
    assert output.stdout == dev.run("explain", "arctic-kayaks", "sunset-tour", "2027-07-01T15:00Z").stdout


def test_each_calendar_that_blocks_says_what_it_has_to_do_with_it(dev: Dev) -> None:
    canoe, account = f"{dev.places['api']}/v1/merchants/arctic-kayaks/products/canoe", "arctic-kayaks@gmail.example"
    with httpx.Client(headers={"Authorization": f"Bearer {dev.places['api_key']}"}, timeout=30) as api:
        api.put(canoe, json={"name": "Canoe", "sync": False}).raise_for_status()
        api.put(f"{canoe}/blocking-calendars", json={"calendar_ids": [account]}).raise_for_status()
    output = dev.run("explain", "arctic-kayaks", "canoe", "2030-07-01")
    assert "2030-07-01 00:00:00 (UTC): unknown, cannot be booked" in output.stdout
    assert f"{account}: never read, counts as busy" in output.stdout


@pytest.mark.parametrize(
    ("arguments", "text", "said"),
    [
        (["report", "-"], "{}", "merchant: Field required"),
        (["report", "-"], "not json", "Invalid JSON"),
        (["explain", "arctic-kayaks", "nothing", "2027-07-01"], "", "The product is not known; put its settings first"),
        (["explain", "arctic-kayaks", "sunset-tour", "noon"], "", "TIME is not ISO 8601"),
        (["status", "arctic-kayaks", "nobody"], "", "reservation nobody of arctic-kayaks is not known"),
    ],
)
def test_bad_input_is_one_clear_line(dev: Dev, arguments: list[str], text: str, said: str) -> None:
    refused = dev.run(*arguments, text=text)
    assert refused.returncode == 2
    assert said in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_a_missing_setting_is_one_clear_line(tmp_path: Path) -> None:
    started = slotsync("worker", folder=tmp_path, environment=bare_environment())
    assert started.returncode == 2
    assert started.stderr.startswith("slotsync: SLOTSYNC_ENCRYPTION_KEYS: is not set (make one with:")
    assert started.stderr.count("\n") == 1


def test_ctrl_c_ends_everything_that_was_started(tmp_path: Path) -> None:
    running = Dev(tmp_path)
    family = psutil.Process(running.process.pid).children(recursive=True)
    assert len(family) >= 3
    assert running.stop() == 0
    assert not [each for each in family if each.is_running()]


def test_the_demo_tells_the_story_and_leaves_its_result(tmp_path: Path) -> None:
    arguments = ("demo", "--limit", "12", "--exit", "--report", "result.json")
    output = slotsync(*arguments, folder=tmp_path, environment=bare_environment())
    assert output.returncode == 0, output.stdout + output.stderr
    assert "Google's calendars are exactly right" in output.stdout
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["bookings"] == 12
    assert [result[kind] for kind in ("missing", "extra", "doubled", "wrong")] == [0, 0, 0, 0]
    assert result["right"] == 9
