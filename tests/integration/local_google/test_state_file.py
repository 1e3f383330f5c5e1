"""The state file after a restart: ``python -m localgoogle`` in processes of their own."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.support.http import tls
from tests.support.local_google import ANNA, reason, timed

FORM = {"grant_type": "refresh_token", "client_id": "app", "client_secret": "x"}


class LocalGoogleProcess:
    """A local Google in a process of its own, with a client for Anna."""

    def __init__(self, state_file: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        command = [sys.executable, "-m", "localgoogle", f"--port={port}", f"--state={state_file}", "--no-quotas"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.url = f"http://127.0.0.1:{port}"
        self.http = httpx.Client(base_url=self.url, timeout=10, verify=tls())
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + 30
        while True:
            try:
                self.http.get("/sandbox/accounts")
            except httpx.ConnectError:
                assert self.process.poll() is None, self.process.communicate()
                assert time.monotonic() < deadline
                time.sleep(0.01)
            else:
                return

    def sign_in(self, refresh_token: str) -> None:
        answer = self.http.post("/token", data=FORM | {"refresh_token": refresh_token}).json()
        self.http.headers["Authorization"] = f"Bearer {answer['access_token']}"

    def end(self, how: signal.Signals) -> tuple[int, str, str]:
        self.http.close()
        self.process.send_signal(how)
        out, err = self.process.communicate(timeout=20)
        return self.process.returncode, out, err


@pytest.fixture
def state_file(tmp_path: Path) -> Path:
    return tmp_path / "not there yet" / "google.db"


@contextmanager
def running(state_file: Path) -> Iterator[LocalGoogleProcess]:
    process = LocalGoogleProcess(state_file)
    try:
        yield process
    finally:
        if process.process.poll() is None:
            process.end(signal.SIGKILL)


def grant(process: LocalGoogleProcess) -> str:
    process.http.post("/sandbox/accounts", json={"email": ANNA, "time_zone": "Europe/Oslo"})
    scopes = ["https://www.googleapis.com/auth/calendar"]
    answer = process.http.post(f"/sandbox/accounts/{ANNA}/grant", json={"client_id": "app", "scopes": scopes})
    return str(answer.json()["refresh_token"])


def test_nothing_that_was_acknowledged_is_lost_to_a_kill(state_file: Path) -> None:
    with running(state_file) as first:
        token = grant(first)
        first.sign_in(token)
        first.http.patch("/sandbox/behaviour", json={"resurrect": "refuse"})
        calendar = first.http.post("/calendar/v3/calendars", json={"summary": "Tour"}).json()
        path = f"/calendar/v3/calendars/{calendar['id']}"
        first.http.patch(f"/calendar/v3/users/me/calendarList/{calendar['id']}", json={"colorId": "5"})
        channel = {"id": "c1", "type": "web_hook", "address": "http://127.0.0.1:9/push"}
        first.http.post(f"{path}/events/watch", json=channel)
        for number in range(100):
            assert first.http.post(f"{path}/events", json=timed(id=f"event{number}")).status_code == 200
        first.http.delete(f"{path}/events/event7")
        before = first.http.get(f"{path}/events", params={"showDeleted": "true"}).json()
        first.end(signal.SIGKILL)
    with running(state_file) as second:
        second.sign_in(token)
        after = second.http.get(f"{path}/events", params={"showDeleted": "true"}).json()
        without_links = [{k: v for k, v in event.items() if k != "htmlLink"} for event in after["items"]]
        assert without_links == [{k: v for k, v in event.items() if k != "htmlLink"} for event in before["items"]]
        assert second.http.get("/sandbox/behaviour").json()["resurrect"] == "refuse"
        assert second.http.get(f"/calendar/v3/users/me/calendarList/{calendar['id']}").json()["colorId"] == "5"
        assert reason(second.http.post(f"{path}/events", json=timed(id="event7"))) == (409, "duplicate")
        assert reason(second.http.post(f"{path}/events/watch", json=channel)) == (400, "channelIdNotUnique")
        changes = second.http.get(f"{path}/events", params={"syncToken": before["nextSyncToken"]}).json()
        assert changes["items"] == []
        patched = second.http.patch(f"{path}/events/event8", json={"summary": "Later"}).json()
        assert int(patched["etag"].strip('"')) > max(int(event["etag"].strip('"')) for event in before["items"])


def test_a_lost_response_is_in_the_file(state_file: Path) -> None:
    with running(state_file) as first:
        token = grant(first)
        first.sign_in(token)
        first.http.post("/sandbox/faults", json={"method": "events.insert", "kind": "lost_response"})
        with pytest.raises(httpx.RemoteProtocolError):
            first.http.post("/calendar/v3/calendars/primary/events", json=timed(id="abcde"))
        first.end(signal.SIGKILL)
    with running(state_file) as second:
        second.sign_in(token)
        assert second.http.get("/calendar/v3/calendars/primary/events/abcde").json()["status"] == "confirmed"


def test_a_lost_revocation_is_in_the_file(state_file: Path) -> None:
    with running(state_file) as first:
        token = grant(first)
        first.http.post("/sandbox/faults", json={"method": "oauth2.revoke", "kind": "lost_response"})
        with pytest.raises(httpx.RemoteProtocolError):
            first.http.post("/revoke", data={"token": token})
        first.end(signal.SIGKILL)
    with running(state_file) as second:
        refused = second.http.post("/token", data=FORM | {"refresh_token": token})
        assert refused.json()["error"] == "invalid_grant"


def test_a_reset_empties_the_file(state_file: Path) -> None:
    with running(state_file) as first:
        grant(first)
        first.http.post("/sandbox/reset")
        first.end(signal.SIGKILL)
    with running(state_file) as second:
        assert second.http.get("/sandbox/accounts").json() == {"items": []}


def test_a_revoked_grant_stays_revoked(state_file: Path) -> None:
    with running(state_file) as first:
        token = grant(first)
        first.http.post(f"/sandbox/accounts/{ANNA}/revoke")
        first.end(signal.SIGKILL)
    with running(state_file) as second:
        refused = second.http.post("/token", data=FORM | {"refresh_token": token})
        assert refused.json()["error"] == "invalid_grant"


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_is_stopped_cleanly(state_file: Path, how: signal.Signals) -> None:
    with running(state_file) as process:
        assert process.end(how) == (0, "", f"The local Google is at {process.url} until Ctrl-C.\n")
