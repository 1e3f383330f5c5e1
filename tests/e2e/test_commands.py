"""The commands as a person or a script runs them: real processes, from start to Ctrl-C."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from slotsync.domain.workflow_ids import reservation_id
from slotsync.temporal.options import connect
from tests.support.buttons import cancel
from tests.support.commands import RunningCommand, bare_environment, slotsync, wait_for
from tests.support.http import tls
from tests.support.oauth_app import Form


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCommand]:
    running = RunningCommand(tmp_path_factory.mktemp("dev"))
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.stop()


def snapshot(name: str, version: int = 1, title: str = "Two guests") -> str:
    item = {"product": "sunset-tour", "start": "2027-07-01T18:00:00+03:00", "end": "2027-07-01T20:00:00+03:00"}
    output = {"merchant": "arctic-kayaks", "id": name, "version": version, "title": title, "items": [item]}
    return json.dumps(output)


def test_a_reservation_is_reported_shown_and_cancelled(dev: RunningCommand) -> None:
    reported = dev.run("report", "-", text=snapshot("R-1", title="Anna, two persons"))
    assert (reported.returncode, reported.stdout) == (0, "R-1: version 1 is on its way\n")
    wait_for(lambda: "Anna, two persons" in dev.titles())
    assert "in_step" in dev.run("status", "arctic-kayaks", "R-1").stdout
    assert dev.run("cancel", "arctic-kayaks", "R-1", "--version", "2").returncode == 0
    wait_for(lambda: "Anna, two persons" not in dev.titles())
    late = dev.run("report", "-", text=snapshot("R-1"))
    assert (late.returncode, late.stdout) == (0, "R-1: superseded, version 2 is known; nothing was changed\n")


def test_a_reservation_that_an_operator_stopped_says_so_until_it_is_resumed(dev: RunningCommand) -> None:
    async def press_cancel() -> None:
        await cancel(await connect(address=dev.places["temporal"]), reservation_id("arctic-kayaks", "S-1"))

    dev.run_here("report", "-", text=snapshot("S-1", title="Stopped, two persons"))
    wait_for(lambda: "Stopped, two persons" in dev.titles())
    asyncio.run(press_cancel())
    assert "stopped since" in dev.run_here("status", "arctic-kayaks", "S-1").stdout
    assert dev.run_here("resume", "arctic-kayaks").stdout.startswith("1 stopped")
    assert "stopped since" not in dev.run_here("status", "arctic-kayaks", "S-1").stdout


def test_an_erasure_asks_first_prints_a_receipt_and_takes_no_report_for_a_while(dev: RunningCommand) -> None:
    told, title = snapshot("E-1", title="Erased, two persons"), "Erased, two persons"
    dev.run_here("report", "-", text=told)
    wait_for(lambda: title in dev.titles())
    command = ("erase", "arctic-kayaks", "--reservation", "E-1", "--google")
    assert dev.run_here(*command, text="n\n").returncode == 1
    assert title in dev.titles()
    exported = [json.loads(line) for line in dev.run_here("export", "arctic-kayaks").stdout.splitlines()]
    assert exported[0]["export_of"] == "arctic-kayaks"
    assert title in [each["snapshot"]["title"] for each in exported if each.get("table") == "reservation"]
    erased = dev.run_here(*command, text="y\n")
    assert erased.returncode == 0, erased.stderr
    assert "Erased: reservation E-1 of arctic-kayaks" in erased.stdout
    assert "reservation 1, synced_event 1" in erased.stdout
    assert "- Backups of the databases" in erased.stdout
    assert title not in dev.titles()
    late = dev.run_here("report", "-", text=told)
    assert (late.returncode, "E-1 of arctic-kayaks is being erased" in late.stderr) == (5, True)
    unknown = [dev.run_here(each, "nobody", *more).returncode for each, *more in (("erase", "--yes"), ("export",))]
    assert unknown == [4, 4]


def test_a_file_is_imported_and_its_bad_lines_are_named(dev: RunningCommand) -> None:
    lines = [snapshot(f"I-{number}", title=f"Import {number}") for number in range(4)]
    lines[2] = '{"merchant": "arctic-kayaks"}'
    (dev.folder / "snapshots.jsonl").write_text("\n".join(lines))
    imported = dev.run_here("import", "snapshots.jsonl")
    assert imported.returncode == 1
    assert "line 3: version: Field required; id: Field required" in imported.stdout
    wait_for(lambda: {"Import 0", "Import 1", "Import 3"} <= set(dev.titles()))
    assert "arctic-kayaks" in dev.run_here("status").stdout


def test_the_api_answers_where_the_ready_file_says_and_takes_its_key(dev: RunningCommand) -> None:
    address = f"{dev.places['api']}/v1/merchants/arctic-kayaks/google"
    answer = httpx.get(address, headers={"Authorization": f"Bearer {dev.places['api_key']}"})
    assert (answer.status_code, answer.json()["state"]) == (200, "active")
    assert httpx.get(address).status_code == 401


def test_why_a_time_can_be_booked_is_said_in_the_products_time_zone(dev: RunningCommand) -> None:
    output = dev.run_here("explain", "arctic-kayaks", "sunset-tour", "2027-07-01T18:00")
    assert output.returncode == 0, output.stderr
    assert "2027-07-01 18:00:00 (Europe/Helsinki): free, can be booked" in output.stdout
    assert "free: no calendar blocks it" in output.stdout
    assert output.stdout == dev.run_here("explain", "arctic-kayaks", "sunset-tour", "2027-07-01T15:00Z").stdout


def test_each_calendar_that_blocks_says_what_it_has_to_do_with_it(dev: RunningCommand) -> None:
    canoe, account = f"{dev.places['api']}/v1/merchants/arctic-kayaks/products/canoe", "arctic-kayaks@gmail.example"
    with httpx.Client(headers={"Authorization": f"Bearer {dev.places['api_key']}"}, timeout=30, verify=tls()) as api:
        api.put(canoe, json={"name": "Canoe", "sync": False}).raise_for_status()
        api.put(f"{canoe}/blocking-calendars", json={"calendar_ids": [account]}).raise_for_status()
    output = dev.run_here("explain", "arctic-kayaks", "canoe", "2030-07-01")
    assert "2030-07-01 00:00:00 (UTC): unknown, cannot be booked" in output.stdout
    assert f"{account}: never read, counts as busy" in output.stdout


def test_a_link_opens_the_settings_until_the_visits_are_ended(dev: RunningCommand) -> None:
    link = json.loads(dev.run_here("link", "arctic-kayaks", "--json").stdout)["url"]
    assert dev.run_here("link", "arctic-kayaks").stdout.startswith(f"{dev.places['api']}/settings/open?link=")
    with httpx.Client(follow_redirects=True, verify=tls()) as browser:
        opened = browser.post(link.partition("?")[0], data=Form(browser.get(link)).hidden)
        assert "Your Google Calendar" in opened.text
        ended = dev.run_here("visits", "end", "arctic-kayaks")
        assert ended.returncode == 0, ended.stderr
        assert browser.get(f"{dev.places['api']}/settings/").status_code == 401


@pytest.mark.parametrize(
    ("arguments", "text", "code", "said"),
    [
        (["report", "-"], "{}", 2, "merchant: Field required"),
        (["report", "-"], "not json", 2, "Invalid JSON"),
        (["explain", "arctic-kayaks", "nothing", "2027-07-01"], "", 4, "The product is not known; put its settings"),
        (["explain", "arctic-kayaks", "sunset-tour", "noon"], "", 2, "TIME is not ISO 8601"),
        (["status", "arctic-kayaks", "nobody"], "", 4, "reservation nobody of arctic-kayaks is not known"),
        (["status", "nobody"], "", 4, "merchant nobody is not known"),
        (["link", "nobody"], "", 4, "The merchant is not known"),
        (["visits", "end", "nobody"], "", 4, "The merchant is not known"),
        (["resume", "arctic-kayaks", "nobody"], "", 4, "nothing of arctic-kayaks nobody is stopped"),
    ],
)
def test_bad_input_is_one_clear_line(
    dev: RunningCommand, arguments: list[str], text: str, code: int, said: str
) -> None:
    refused = dev.run_here(*arguments, text=text)
    assert refused.returncode == code
    assert said in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_a_missing_setting_is_one_clear_line(tmp_path: Path) -> None:
    started = slotsync("worker", folder=tmp_path, environment=bare_environment())
    assert started.returncode == 2
    assert started.stderr.startswith("slotsync: SLOTSYNC_ENCRYPTION_KEYS: is not set (make one with:")
    assert started.stderr.count("\n") == 1


def test_ctrl_c_ends_everything_that_was_started(dev: RunningCommand) -> None:
    """As the last one with these parts: they take seconds to start."""
    family = psutil.Process(dev.process.pid).children(recursive=True)
    assert len(family) >= 3
    assert dev.stop() == 0
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
