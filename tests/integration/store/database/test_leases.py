"""A lease lets one refresh run at a time, over threads and processes, on both databases."""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from cryptography.fernet import Fernet

from localgoogle.options import LocalGoogleOptions
from localgoogle.server import RunningLocalGoogle, running_local_google
from slotsync.secrets import Vault
from slotsync.store.connections.connections import Connections
from slotsync.store.database.base import table_of
from slotsync.store.database.engine import Store
from slotsync.store.database.leases import Leases
from slotsync.store.tables.connections import ConnectionRow
from tests.support.sample_grants import save_sample_grant

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
LEASE = timedelta(seconds=20)
EMAIL = "kari@example.com"
SCOPES = ["https://www.googleapis.com/auth/calendar.calendarlist.readonly"]
PROCESSES = 2
CONNECTIONS = table_of(ConnectionRow)

WORK = """
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from slotsync.google.service import GoogleServices
from slotsync.secrets import Vault
from slotsync.settings import Settings
from slotsync.store.connections.connections import Connections
from slotsync.store.database.engine import Store

settings = Settings.load()
store = Store.open(settings.database_url)
connections = Connections(store, Vault(settings.encryption_keys))
with closing(GoogleServices(settings, connections)) as services, ThreadPoolExecutor(4) as threads:
    print("ready", flush=True)
    sys.stdin.readline()
    list(threads.map(lambda _: services.calendar(sys.argv[1]).calendar_list.list().execute(), range(8)))
store.close()
"""


@pytest.fixture
def local_google() -> Iterator[RunningLocalGoogle]:
    with running_local_google(LocalGoogleOptions.unlimited()) as running:
        yield running


def granted(local_google: RunningLocalGoogle) -> str:
    httpx.post(
        f"{local_google.url}/sandbox/accounts", json={"email": EMAIL, "time_zone": "Europe/Oslo"}
    ).raise_for_status()
    grant = {"client_id": "client", "scopes": SCOPES}
    answer = httpx.post(f"{local_google.url}/sandbox/accounts/{EMAIL}/grant", json=grant).raise_for_status()
    return str(answer.json()["refresh_token"])


def start(connection_id: str, **settings: str) -> "subprocess.Popen[str]":
    environment = {**os.environ, **{f"SLOTSYNC_{name.upper()}": value for name, value in settings.items()}}
    command = [sys.executable, "-c", WORK, connection_id]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def test_processes_and_threads_that_need_a_token_at_once_refresh_it_once(
    store: Store, database_url: str, local_google: RunningLocalGoogle
) -> None:
    key = Fernet.generate_key().decode()
    connection_id = Connections(store, Vault([key])).save_grant("m", granted(local_google), SCOPES, EMAIL)
    slow = {"method": "oauth2.token", "kind": "slow", "seconds": 0.5, "count": 100}
    httpx.post(f"{local_google.url}/sandbox/faults", json=slow).raise_for_status()
    client = {"google_client_id": "client", "google_client_secret": "secret", "google_endpoint": local_google.url}
    settings = {"encryption_keys": key, "database_url": database_url, **client}
    processes = [start(connection_id, **settings) for _ in range(PROCESSES)]
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    ended = [process.communicate("go\n", timeout=60) for process in processes]
    assert [(process.returncode, errors) for process, (_, errors) in zip(processes, ended, strict=True)] == [
        (0, "")
    ] * PROCESSES
    totals = httpx.get(f"{local_google.url}/sandbox/calls").json()["totals"]
    assert totals["calendarList.list"] == PROCESSES * 8
    assert totals["oauth2.token"] == 1


def test_sixteen_threads_that_want_a_lease_at_once_get_one(store: Store, connections: Connections) -> None:
    connection_id = save_sample_grant(connections)
    leases = Leases(store, CONNECTIONS, "id")
    with ThreadPoolExecutor(16) as threads:
        taken = threads.map(lambda holder: leases.acquire(connection_id, str(holder), LEASE), range(48))
    assert sum(taken) == 1


def test_a_lease_that_was_given_back_can_be_taken_at_once(store: Store, connections: Connections) -> None:
    connection_id = save_sample_grant(connections)
    leases = Leases(store, CONNECTIONS, "id")
    assert leases.acquire(connection_id, "first", LEASE)
    leases.release(connection_id, "somebody else")
    assert not leases.acquire(connection_id, "second", LEASE)
    leases.release(connection_id, "first")
    assert leases.acquire(connection_id, "second", LEASE)


def test_a_process_that_dies_with_a_lease_holds_up_others_no_longer_than_it_lasts(
    store: Store, connections: Connections
) -> None:
    connection_id = save_sample_grant(connections)
    assert Leases(store, CONNECTIONS, "id", lambda: NOON).acquire(connection_id, "dead", LEASE)
    assert not Leases(store, CONNECTIONS, "id", lambda: NOON + LEASE / 2).acquire(connection_id, "next", LEASE)
    assert Leases(store, CONNECTIONS, "id", lambda: NOON + LEASE).acquire(connection_id, "next", LEASE)
