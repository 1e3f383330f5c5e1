"""Settings that point to local servers."""

from pathlib import Path

from cryptography.fernet import Fernet
from pydantic import SecretStr

from slotsync.settings import Settings
from starter.local.dev import CLIENT_ID


def settings_for(google_url: str, folder: Path, key: str | None = None) -> Settings:
    return Settings.model_validate(
        {
            "encryption_keys": (key or Fernet.generate_key().decode(),),
            "data_folder": folder,
            "google_endpoint": google_url,
            "google_client_id": CLIENT_ID,
            "google_client_secret": "local",
            "backfill_per_second": 20,
            "max_debounce_seconds": 1,
        }
    )


KEY = "a-key-of-the-platform-that-is-long-enough"
OLD_KEY = "a-key-that-is-being-replaced-soon-by-it"
PUBLIC_URL = "http://127.0.0.1:9"


def settings_at(url: str) -> Settings:
    return Settings(
        _env_file=None,
        encryption_keys=(SecretStr(Fernet.generate_key().decode()),),
        google_client_id="client",
        google_client_secret=SecretStr("secret"),
        google_endpoint=url,
    )
