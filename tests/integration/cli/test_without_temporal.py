"""Without Temporal the database answers alone, and what is reported is stored."""

import json
import os
from contextvars import Context
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from slotsync.clock import utc_now
from slotsync.domain.audit import OPERATOR
from slotsync.secrets import Vault
from slotsync.store.audit_log import AuditLog, current_actor
from slotsync.store.calendars.owners import Owners
from slotsync.store.database.engine import Store
from slotsync.store.reservations.reservations import Reservations
from starter.client import Slotsync
from tests.support.commands import slotsync, slotsync_here
from tests.support.migrated_databases import open_migrated
from tests.support.samples import MERCHANT, TOUR, settings_of, snapshot

pytestmark = pytest.mark.anyio

HOUR = timedelta(hours=1)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Settings with a database, and with an address at which no Temporal answers."""
    url = f"sqlite:///{tmp_path}/slotsync.db"
    open_migrated(url).close()
    return {
        **os.environ,
        "SLOTSYNC_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "SLOTSYNC_DATABASE_URL": url,
        "TEMPORAL_ADDRESS": "127.0.0.1:9",
    }


def reservations(environment: dict[str, str]) -> Reservations:
    store = Store.open(environment["SLOTSYNC_DATABASE_URL"])
    return Reservations(store, Vault([environment["SLOTSYNC_ENCRYPTION_KEYS"]]))


def test_a_report_is_stored_and_the_command_says_that_temporal_does_not_answer(
    environment: dict[str, str], tmp_path: Path
) -> None:
    body = snapshot(2).model_dump_json()
    reported = slotsync_here("report", "-", folder=tmp_path, environment=environment, text=body)
    assert (reported.returncode, "is stored, but Temporal did not answer" in reported.stderr) == (6, True)
    known = reservations(environment).get(MERCHANT, "R-1")
    assert known
    assert known.version == 2


@pytest.mark.parametrize("more", [(), ("--reservation", "R-9"), ("--guest",)])
def test_nothing_is_asked_about_the_erasure_of_what_is_not_known(
    environment: dict[str, str], tmp_path: Path, more: tuple[str, ...]
) -> None:
    ended = slotsync_here("erase", "arctic-kayak", *more, folder=tmp_path, environment=environment)
    assert (ended.returncode, "nothing is stored of" in ended.stderr) == (4, True), ended.stderr
    assert "for good" not in ended.stderr


@pytest.mark.parametrize("command", ["status", "worker", "api", "export", "link"])
def test_without_a_database_each_command_ends_with_one_line(
    environment: dict[str, str], tmp_path: Path, command: str
) -> None:
    away = environment | {"SLOTSYNC_DATABASE_URL": "postgresql://slotsync:secret@127.0.0.1:9/slotsync"}
    away |= {"SLOTSYNC_API_KEYS": "k" * 32, "SLOTSYNC_PUBLIC_URL": "http://127.0.0.1:8080"}
    arguments = [command] if command in {"worker", "api"} else [command, MERCHANT]
    run = slotsync if command in {"worker", "api"} else slotsync_here
    ended = run(*arguments, folder=tmp_path, environment=away)
    lines = [line for line in ended.stderr.splitlines() if line.startswith("slotsync: ")]
    assert (ended.returncode, len(lines), "Traceback" in ended.stderr) == (6, 1, False), ended.stderr
    assert "check that its server runs, and SLOTSYNC_DATABASE_URL" in lines[0]
    assert "secret" not in ended.stderr


def test_the_status_says_what_no_worker_has_taken_up_and_what_is_stopped(
    environment: dict[str, str], tmp_path: Path
) -> None:
    stored = reservations(environment)
    for name in ("R-1", "R-2"):
        stored.report(snapshot(1, name=name), utc_now() - HOUR)
    stored.stop(MERCHANT, "R-2", utc_now())
    told = slotsync_here("status", MERCHANT, "--json", folder=tmp_path, environment=environment)
    answer = json.loads(told.stdout)
    held_up = {each["reservation"]: each["remedy"] for each in answer.pop("held_up")}
    assert held_up.keys() == {"R-1", "R-2"}
    assert "No worker has taken it up" in held_up["R-1"]
    assert "slotsync resume" in held_up["R-2"]
    assert answer == {
        "lines": [],
        "not_taken_up": 1,
        "stopped": [[MERCHANT, "R-2"]],
        "connections": [],
    }
    table = slotsync_here("status", folder=tmp_path, environment=environment).stdout
    assert f"slotsync resume {MERCHANT}" in " ".join(table.split())
    one = json.loads(
        slotsync_here("status", MERCHANT, "R-1", "--json", folder=tmp_path, environment=environment).stdout
    )
    assert "not taken up by a worker yet" in one["doing"]
    assert "No worker has taken it up" in one["remedy"]


def test_what_is_resumed_without_temporal_is_stopped_no_longer_and_the_command_says_so(
    environment: dict[str, str], tmp_path: Path
) -> None:
    stored = reservations(environment)
    for name in ("R-1", "R-2"):
        stored.report(snapshot(1, name=name), utc_now())
        stored.stop(MERCHANT, name, utc_now())
    store = Store.open(environment["SLOTSYNC_DATABASE_URL"])
    Owners(store).put(MERCHANT, TOUR, settings_of(TOUR))
    Owners(store).stop(MERCHANT, TOUR, utc_now())
    told = slotsync_here("resume", MERCHANT, folder=tmp_path, environment=environment)
    assert (told.returncode, "3 go on by the next sweep" in " ".join(told.stderr.split())) == (6, True), told.stderr
    assert len(stored.find_due(utc_now(), limit=9)) == 2
    assert Owners(store).find_due(utc_now()) == [(MERCHANT, TOUR)]


async def test_the_client_reads_what_is_stored(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    reservations(environment).report(snapshot(1), utc_now())
    status = await (await Slotsync.connect()).status(MERCHANT, "R-1")
    assert status
    assert (status.version, status.settled) == (1, False)


def test_what_commands_change_stands_in_the_audit_log_with_their_machine(
    environment: dict[str, str], tmp_path: Path
) -> None:
    reservations(environment).report(snapshot(1), utc_now())
    reservations(environment).stop(MERCHANT, "R-1", utc_now())
    old, new = environment["SLOTSYNC_ENCRYPTION_KEYS"], Fernet.generate_key().decode()
    rotating = environment | {"SLOTSYNC_ENCRYPTION_KEYS": f"{new},{old}"}
    slotsync_here("resume", MERCHANT, folder=tmp_path, environment=environment)
    for command in (("visits", "end", MERCHANT), ("secrets", "rotate"), ("secrets", "rotate")):
        done = slotsync_here(*command, folder=tmp_path, environment=rotating)
        assert done.returncode == 0, done.stderr
    audit = AuditLog(Store.open(environment["SLOTSYNC_DATABASE_URL"]), Vault([new]))
    entries = audit.list_entries(MERCHANT, 100)
    assert [each.action for each in entries] == ["work.stopped", "work.resumed", "visits.ended", "keys.rotated"]
    assert [each.detail and each.detail.by for each in entries] == [OPERATOR, *[Context().run(current_actor)] * 3]
