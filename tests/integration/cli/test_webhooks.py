"""``slotsync webhooks`` without Temporal and without a worker: what it shows, and a test message to a listener."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from slotsync.clock import utc_now
from slotsync.secrets import Vault
from tests.support.commands import SLOTSYNC, slotsync_here, wait_for
from tests.support.migrated_databases import open_migrated
from tests.support.processes import free_ports
from tests.support.stored_messages import put_message, refuse_message
from tests.support.webhook_receiver import WEBHOOK_SECRET


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Settings with a database that has a refused message, and an address at which nobody listens yet."""
    url, key, (port,) = f"sqlite:///{tmp_path}/slotsync.db", Fernet.generate_key().decode(), free_ports(1)
    store = open_migrated(url)
    put_message(store, Vault([key]), "m-1", '{"type": "test"}', utc_now())
    refuse_message(store, Vault([key]), "m-1")
    store.close()
    return {
        **os.environ,
        "SLOTSYNC_ENCRYPTION_KEYS": key,
        "SLOTSYNC_DATABASE_URL": url,
        "SLOTSYNC_WEBHOOK_URL": f"http://127.0.0.1:{port}/hook",
        "SLOTSYNC_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "TEMPORAL_ADDRESS": "127.0.0.1:9",
    }


@pytest.fixture
def listened(environment: dict[str, str], tmp_path: Path) -> Iterator[Path]:
    """The output of a listener."""
    output = tmp_path / "listened.txt"
    with output.open("w") as file:
        process = subprocess.Popen([*SLOTSYNC, "webhooks", "listen"], cwd=tmp_path, env=environment, stdout=file)
        yield output
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def test_a_message_is_listed_and_shown_with_its_attempts(environment: dict[str, str], tmp_path: Path) -> None:
    listed = slotsync_here("webhooks", "list", "m", "--json", folder=tmp_path, environment=environment)
    (line,) = json.loads(listed.stdout)
    assert (line["id"], line["state"], line["last_status"]) == ("m-1", "waiting", 503)
    narrow = {**environment, "COLUMNS": "40"}
    first, second = slotsync_here("webhooks", "list", "m", folder=tmp_path, environment=narrow).stdout.splitlines()
    assert first == "m-1 waiting"
    assert second.endswith(", 1 attempts, last status 503")
    shown = slotsync_here("webhooks", "show", "m", "m-1", folder=tmp_path, environment=environment)
    assert (shown.returncode, "503 we are closed" in shown.stdout) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("show", "m", "m-9"), 4, "There is no such message"),
        (("list", "nobody"), 4, "merchant nobody is not known"),
        (("resend", "nobody", "--from", "2027-07-01", "--to", "2027-07-02"), 4, "merchant nobody is not known"),
        (("list", "m", "--state", "lost"), 2, "--state: Input should be"),
        (("list", "m", "--from", "soon"), 2, "--from: is not ISO 8601"),
        (("resend", "m"), 2, "give a message, or --from and --to"),
        (("resend", "m", "m-1"), 5, "The message is waiting"),
        (("skip", "m", "m-1", "--reason", "unreadable"), 6, "as soon as Temporal answers again"),
        (("test",), 6, ""),
    ],
)
def test_what_cannot_be_done_is_said_with_the_code_for_it(
    environment: dict[str, str], tmp_path: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    result = slotsync_here("webhooks", *arguments, folder=tmp_path, environment=environment)
    assert (result.returncode, said in result.stderr) == (code, True), result.stderr


def test_a_test_message_reaches_the_listener_which_checks_its_signature(
    environment: dict[str, str], listened: Path, tmp_path: Path
) -> None:
    def accepted() -> bool:
        return slotsync_here("webhooks", "test", folder=tmp_path, environment=environment).returncode == 0

    wait_for(accepted, 60)
    other = {**environment, "SLOTSYNC_WEBHOOK_SECRET": "whsec_" + "b3RoZXIt" * 4}
    assert slotsync_here("webhooks", "test", folder=tmp_path, environment=other).returncode == 5
    wait_for(lambda: "signature is wrong" in listened.read_text(), 30)
    assert "signature is right" in listened.read_text()
    assert '"note": "Sent by slotsync webhooks test"' in listened.read_text()
