"""Dev and demo send nothing to what a ``.env`` or the environment says of production."""

import os
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from slotsync.errors import SettingsError
from slotsync.settings import Settings
from starter.local.environment import ADDRESSES, set_environment

OWN = {"SLOTSYNC_ENCRYPTION_KEYS": Fernet.generate_key().decode(), "SLOTSYNC_PUBLIC_URL": "http://127.0.0.1:8080"}
SECRET = "whsec_" + "A" * 43 + "="
PRODUCTION = {
    "SLOTSYNC_WEBHOOK_URL": "https://platform.example/hooks",
    "SLOTSYNC_WEBHOOK_SECRET": SECRET,
    "SLOTSYNC_SMTP_URL": "smtps://user:password@mail.example",
    "SLOTSYNC_RETURN_URL": "https://platform.example/google",
    "SLOTSYNC_KEEP_DAYS": "7",
}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder and an environment of this test alone."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "environ", {"PATH": "/bin"})


def sends_nothing(settings: Settings) -> bool:
    return (settings.webhook_url, settings.mail_server, settings.return_url, settings.keep_days) == ("", None, "", 90)


def test_neither_a_dotenv_file_nor_a_folder_of_secrets_is_read(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in PRODUCTION.items()))
    folder = tmp_path / "secrets"
    folder.mkdir()
    for name, value in PRODUCTION.items():
        (folder / name).write_text(value)
    os.environ["SLOTSYNC_SECRETS_FOLDER"] = str(folder)
    set_environment(OWN, os.environ)
    assert sends_nothing(Settings.load())


@pytest.mark.parametrize("name", ADDRESSES)
def test_an_address_that_is_not_on_this_machine_is_refused_by_its_name_and_without_what_it_holds(name: str) -> None:
    os.environ |= PRODUCTION
    for other in {*ADDRESSES} - {name}:
        del os.environ[other]
    with pytest.raises(SettingsError, match=f"^{name}: dev and demo send to this machine only") as refused:
        set_environment(OWN, os.environ)
    assert "example/" not in str(refused.value)
    assert "password" not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1@platform.example/", "https://localhost.example/", "https://[::1", "https:127.0.0.1"]
)
def test_an_address_that_only_looks_like_this_machine_is_refused(url: str) -> None:
    os.environ["SLOTSYNC_WEBHOOK_URL"] = url
    with pytest.raises(SettingsError, match="this machine only"):
        set_environment(OWN, os.environ)


def test_a_receiver_on_this_machine_is_taken_from_the_environment() -> None:
    os.environ |= {"SLOTSYNC_WEBHOOK_URL": "http://127.0.0.1:8099/", "SLOTSYNC_WEBHOOK_SECRET": SECRET}
    os.environ |= {"SLOTSYNC_SMTP_URL": "smtp://localhost:1025", "SLOTSYNC_POLL_SECONDS": "5"}
    given = set_environment(OWN, os.environ)
    settings = Settings.load()
    assert (settings.webhook_url, settings.poll_seconds) == ("http://127.0.0.1:8099/", 5)
    assert settings.mail_server is not None
    assert given["SLOTSYNC_WEBHOOK_URL"] == settings.webhook_url


def test_nothing_else_of_the_environment_is_taken_however_it_is_written() -> None:
    os.environ |= {"slotsync_keep_days": "7", "SLOTSYNC_KEEP_DAYS": "7", "SLOTSYNC_OPERATORS_HOST": "0.0.0.0"}
    set_environment(OWN, os.environ)
    assert sends_nothing(Settings.load())
    assert not {name for name in os.environ if name.upper().startswith("SLOTSYNC_") and "KEEP" in name.upper()}
