"""The settings: read once from ``SLOTSYNC_*`` variables, ``.env`` and mounted secrets, validated, and never changed."""

import base64
import ipaddress
import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    validate_email,
)
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from slotsync.domain.availability.horizon import Horizon
from slotsync.domain.mail_server import MailServer
from slotsync.domain.web_address import WebAddress, is_loopback
from slotsync.domain.webhooks import ALL_TYPES, WebhookType
from slotsync.errors import SettingsError

PREFIX = "SLOTSYNC_"
_LOCALHOST = "localhost"

SECRETS_FOLDER = "SLOTSYNC_SECRETS_FOLDER"
"""The variable that names a folder of files, such as a mount of secrets: each is called as a variable, and holds it."""

ENV_FILE = "SLOTSYNC_ENV_FILE"
"""The variable that names a file to read in place of ``.env``; none is read if it is empty."""

_REMEDIES = {
    "encryption_keys": (
        "make one with: python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'"
    ),
    "database_url": "for example postgresql://user:password@host/slotsync or sqlite:///slotsync.db",
    "google_client_id": "create an OAuth client of type 'Web application' in the Google Cloud console",
    "google_client_secret": "it is shown beside the client id in the Google Cloud console",
    "google_push": "on or off",
    "FORWARDED_ALLOW_IPS": "the addresses of your proxies, for example 127.0.0.1 or 172.30.7.0/24, separated by commas",
    "public_url": "where browsers and Google reach slotsync, for example https://slotsync.example.com",
    "smtp_url": "for example smtp://user:password@mail.example.com:587, or smtps://... for TLS from the first byte",
    "webhook_types": "some of " + ", ".join(sorted(ALL_TYPES)),
    "webhook_secret": (
        "make one with: python -c 'import base64, secrets; "
        'print("whsec_" + base64.b64encode(secrets.token_bytes(32)).decode())\'; the platform verifies with the same'
    ),
}

_WEBHOOK_SECRET_PREFIX = "whsec_"  # noqa: S105 - only the prefix
_WEBHOOK_SECRET_BYTES = range(24, 65)
"""Allowed sizes by the Standard Webhooks specification."""


def _split(value: object) -> object:
    """Return the parts of a list: in a variable separated by commas, in a file also by lines."""
    if not isinstance(value, str):
        return value
    return [part.strip() for part in value.replace("\n", ",").split(",") if part.strip()]


def _check_key(key: SecretStr) -> SecretStr:
    try:
        Fernet(key.get_secret_value())
    except ValueError as error:
        raise ValueError("is not a Fernet key (32 random bytes in URL-safe base64)") from error
    return key


def _check_mail_server(url: SecretStr) -> SecretStr:
    if text := url.get_secret_value():
        MailServer.parse(text)
    return url


def _check_mail_address(address: str) -> str:
    return validate_email(address)[1] if address else ""


def _check_database(url: str) -> str:
    if not url.startswith(("sqlite:", "postgres:", "postgresql:", "postgresql+psycopg:")):
        raise ValueError("must be a PostgreSQL or SQLite URL")
    return url


def _check_webhook_secret(secret: SecretStr) -> SecretStr:
    before, _, encoded = secret.get_secret_value().partition(_WEBHOOK_SECRET_PREFIX)
    try:
        size = len(base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True))
    except ValueError:
        size = 0
    if before or size not in _WEBHOOK_SECRET_BYTES:
        raise ValueError("is not whsec_ and then 24 to 64 random bytes in base64")
    return secret


def _check_proxy(proxy: str) -> str:
    if proxy != "*":
        try:
            ipaddress.ip_network(proxy)
        except ValueError as error:
            raise ValueError("names something that is neither an IP address nor a network") from error
    return proxy


def _check_base(url: str) -> str:
    if "?" in url or "#" in url:
        raise ValueError("has a query or a fragment; leave it out")
    return url.rstrip("/")


def _check_site(url: str) -> str:
    # Forms, redirections and cookies are for the whole host: with a path they would go to another program there.
    parts = urlsplit(url)
    if parts.path or "@" in parts.netloc:
        raise ValueError("has a path or a user name; give the host alone, and a port if it needs one")
    return url


Secrets = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_split)]
EncryptionKey = Annotated[SecretStr, AfterValidator(_check_key)]
EncryptionKeys = Annotated[tuple[EncryptionKey, ...], NoDecode, BeforeValidator(_split), Field(min_length=1)]
WebhookSecret = Annotated[SecretStr, AfterValidator(_check_webhook_secret)]
WebhookSecrets = Annotated[tuple[WebhookSecret, ...], NoDecode, BeforeValidator(_split)]
WebhookTypes = Annotated[frozenset[WebhookType], NoDecode, BeforeValidator(_split), Field(min_length=1)]
BaseAddress = Annotated[WebAddress, AfterValidator(_check_base)]
Site = Annotated[BaseAddress, AfterValidator(_check_site)]
Port = Annotated[int, Field(ge=1, le=65535)]
Positive = Annotated[int, Field(ge=1)]
Proxies = Annotated[tuple[Annotated[str, AfterValidator(_check_proxy)], ...], NoDecode, BeforeValidator(_split)]


@dataclass(frozen=True)
class GoogleEndpoints:
    """The URLs of Google's APIs: its own, or those of a local Google."""

    api: str = "https://www.googleapis.com/calendar/v3/"
    authorize: str = "https://accounts.google.com/o/oauth2/v2/auth"
    token: str = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address, not a secret
    revoke: str = "https://oauth2.googleapis.com/revoke"
    userinfo: str = "https://www.googleapis.com/oauth2/v3/userinfo"

    @classmethod
    def from_base(cls, base: str) -> "GoogleEndpoints":
        """Return the endpoints of the Google at this base URL, or Google's own if it is empty."""
        if not base:
            return cls()
        return cls(
            api=f"{base}/calendar/v3/",
            authorize=f"{base}/o/oauth2/v2/auth",
            token=f"{base}/token",
            revoke=f"{base}/revoke",
            userinfo=f"{base}/oauth2/v3/userinfo",
        )


@dataclass(frozen=True)
class GoogleClient:
    """The OAuth client that merchants grant access to."""

    id: str
    secret: SecretStr


def _default_database(validated: dict[str, object]) -> str:
    return f"sqlite:///{validated['data_folder']}/slotsync.db"


class Settings(BaseSettings):
    """All settings of a process. ``Settings.load()`` reads them from where they are."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    encryption_keys: EncryptionKeys
    """Fernet keys, newest first: the first one encrypts, all of them decrypt."""

    data_folder: Path = Path(".slotsync")
    database_url: Annotated[str, AfterValidator(_check_database)] = Field(default_factory=_default_database, repr=False)
    api_keys: Secrets = ()
    public_url: Site = ""
    return_url: WebAddress = ""
    forwarded_allow_ips: Proxies = Field(("127.0.0.1", "::1"), validation_alias="FORWARDED_ALLOW_IPS")
    """The proxies that may say from which address a request came. The variable has uvicorn's name for it."""

    metrics_host: str = "127.0.0.1"
    metrics_port: Port | None = None
    operators_host: str = "127.0.0.1"
    operators_port: Port | None = None

    google_client_id: str = ""
    google_client_secret: SecretStr = SecretStr("")
    google_endpoint: BaseAddress = ""
    google_push: bool = True
    google_calls_per_user_minute: Positive = 600
    google_calls_per_project_minute: Positive = 10_000
    backfill_per_second: Positive = 7
    max_debounce_seconds: Positive = 10

    webhook_url: WebAddress = Field("", repr=False)
    webhook_secret: WebhookSecrets = ()
    webhook_types: WebhookTypes = ALL_TYPES
    smtp_url: Annotated[SecretStr, AfterValidator(_check_mail_server)] = SecretStr("")
    mail_from: Annotated[str, AfterValidator(_check_mail_address)] = ""
    poll_seconds: Positive = 60
    near_days: Positive = 60
    horizon_days: Positive = 550
    keep_days: Positive = 90
    keep_messages_days: Positive = 30

    @classmethod
    def load(cls) -> Self:
        """Return the settings of this process: from the environment, ``.env``, and a folder of files with secrets.

        Raises:
            SettingsError: Settings are missing or invalid; the error has one line for each.
        """
        try:
            return cls(_env_file=os.environ.get(ENV_FILE, ".env") or None, _secrets_dir=_find_secrets_folder())
        except ValidationError as error:
            details = error.errors(include_input=False, include_url=False)
            problems = [_describe(detail) for detail in details if detail["type"] != "default_factory_not_called"]
        # Raised outside of the handler so that no traceback shows pydantic's own error, which may quote values.
        raise SettingsError("\n".join(dict.fromkeys(problems)))

    @field_validator("webhook_secret")
    @classmethod
    def _validate_webhook_secret(cls, secrets: WebhookSecrets, info: ValidationInfo) -> WebhookSecrets:
        if not secrets and info.data.get("webhook_url"):
            raise ValueError("is not set, but SLOTSYNC_WEBHOOK_URL is")
        return secrets

    @field_validator("smtp_url")
    @classmethod
    def _validate_smtp_url(cls, url: SecretStr, info: ValidationInfo) -> SecretStr:
        if url.get_secret_value() and info.data.get("public_url") == "":
            raise ValueError("needs SLOTSYNC_PUBLIC_URL, to which the links in e-mails lead")
        return url

    @property
    def mail_server(self) -> MailServer | None:
        """Return the server that takes e-mails, or None if none are sent."""
        url = self.smtp_url.get_secret_value()
        return MailServer.parse(url) if url else None

    @property
    def mail_sender(self) -> str:
        """Return the sender of e-mails: ``SLOTSYNC_MAIL_FROM``, or slotsync at the host of the public address."""
        return self.mail_from or f"slotsync@{_mail_domain(self.public_url)}"

    @property
    def google(self) -> GoogleEndpoints:
        """Return the URLs of Google's APIs."""
        return GoogleEndpoints.from_base(self.google_endpoint)

    @property
    def horizon(self) -> Horizon:
        """Return how far ahead busy times are read, and how often."""
        return Horizon(days=self.horizon_days, near_days=self.near_days, poll=timedelta(seconds=self.poll_seconds))

    @property
    def max_debounce(self) -> timedelta:
        """Return for how long at most quick changes of one reservation are combined into one write."""
        return timedelta(seconds=self.max_debounce_seconds)

    @property
    def keep_messages(self) -> timedelta:
        """Return how long messages to the platform are kept after they were accepted or skipped."""
        return timedelta(days=self.keep_messages_days)

    @property
    def keep(self) -> timedelta:
        """Return how long the contents of reservations are kept after their end."""
        return timedelta(days=self.keep_days)

    def require_google_client(self) -> GoogleClient:
        """Return the OAuth client.

        Raises:
            SettingsError: The client id or secret is not set; the error names what is missing.
        """
        problems = [
            _problem(name, "is not set")
            for name, value in (
                ("google_client_id", self.google_client_id),
                ("google_client_secret", self.google_client_secret.get_secret_value()),
            )
            if not value
        ]
        if problems:
            raise SettingsError("\n".join(problems))
        return GoogleClient(self.google_client_id, self.google_client_secret)

    def require_public_url(self) -> str:
        """Return the URL at which slotsync is reached from outside.

        Raises:
            SettingsError: ``SLOTSYNC_PUBLIC_URL`` is not set.
        """
        if not self.public_url:
            raise SettingsError(_problem("public_url", "is not set"))
        return self.public_url


def _find_secrets_folder() -> Path | None:
    """Return the folder in which each file holds one setting, or None.

    Raises:
        SettingsError: There is no such folder.
    """
    folder = os.environ.get(SECRETS_FOLDER)
    if folder and not Path(folder).is_dir():
        raise SettingsError(f"{SECRETS_FOLDER}: is not a folder (mount the secrets there, a file for each setting)")
    return Path(folder) if folder else None


def _mail_domain(public_url: str) -> str:
    host = urlsplit(public_url).hostname or _LOCALHOST
    return _LOCALHOST if is_loopback(host) else host


def _describe(detail: ErrorDetails) -> str:
    name = str(detail["loc"][0])
    if detail["type"] in {"missing", "too_short"}:
        return _problem(name, "is not set")
    return _problem(name, detail["msg"].removeprefix("Value error, "))


def _problem(name: str, what: str) -> str:
    remedy = _REMEDIES.get(name)
    variable = name if name.isupper() else f"{PREFIX}{name.upper()}"
    return f"{variable}: {what}" + (f" ({remedy})" if remedy else "")
