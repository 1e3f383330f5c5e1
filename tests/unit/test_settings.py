from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from slotsync.errors import SettingsError
from slotsync.settings import GoogleEndpoints, Settings

WEBHOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
KEY, OLD_KEY = Fernet.generate_key().decode(), Fernet.generate_key().decode()
NO_SECRET = "SLOTSYNC_WEBHOOK_SECRET: is not whsec_ and then 24 to 64 random bytes in base64"

Set = Callable[..., None]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without ``.env``, and nothing set but an encryption key."""
    monkeypatch.chdir(tmp_path)
    for field in Settings.model_fields:
        monkeypatch.delenv(f"SLOTSYNC_{field.upper()}", raising=False)
    monkeypatch.delenv("FORWARDED_ALLOW_IPS", raising=False)
    monkeypatch.setenv("SLOTSYNC_ENCRYPTION_KEYS", KEY)


@pytest.fixture
def set_env(monkeypatch: pytest.MonkeyPatch) -> Set:
    def set_each(**values: str) -> None:
        for name, value in values.items():
            monkeypatch.setenv(f"SLOTSYNC_{name.upper()}", value)

    return set_each


def test_an_encryption_key_is_all_that_must_be_set() -> None:
    settings = Settings.load()
    assert settings.database_url == "sqlite:///.slotsync/slotsync.db"
    assert (settings.poll_seconds, settings.horizon_days, settings.google_push) == (60, 550, True)
    assert (settings.google_calls_per_user_minute, settings.google_calls_per_project_minute) == (600, 10_000)
    assert settings.metrics_port is None


def test_the_default_database_lies_in_the_data_folder(set_env: Set) -> None:
    set_env(data_folder="/var/lib/slotsync")
    assert Settings.load().database_url == "sqlite:////var/lib/slotsync/slotsync.db"


def test_a_variable_without_a_value_counts_as_not_set(set_env: Set) -> None:
    set_env(metrics_port="", data_folder="", poll_seconds="")
    settings = Settings.load()
    assert (settings.metrics_port, settings.data_folder, settings.poll_seconds) == (None, Path(".slotsync"), 60)


def test_lists_are_separated_by_commas_in_the_order_given(set_env: Set) -> None:
    set_env(encryption_keys=f"{KEY}, {OLD_KEY}", api_keys="one,two,")
    settings = Settings.load()
    assert [key.get_secret_value() for key in settings.encryption_keys] == [KEY, OLD_KEY]
    assert [key.get_secret_value() for key in settings.api_keys] == ["one", "two"]


def test_settings_are_read_from_a_dotenv_file_among_others_values(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SLOTSYNC_POLL_SECONDS=30\nSOMEBODY_ELSES=1\nSLOTSYNC_OF_A_LATER_VERSION=1\n")
    assert Settings.load().poll_seconds == 30


@pytest.fixture
def mount(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of secrets, and nothing in the environment but its name."""
    folder = tmp_path / "secrets"
    folder.mkdir()
    monkeypatch.delenv("SLOTSYNC_ENCRYPTION_KEYS")
    monkeypatch.setenv("SLOTSYNC_SECRETS_FOLDER", str(folder))
    return folder


@pytest.mark.parametrize("content", ["{new}\n{old}\n", "{new},{old}", "\n{new} ,\n\n {old}"])
@pytest.mark.parametrize("name", ["slotsync_encryption_keys", "SLOTSYNC_ENCRYPTION_KEYS"])
def test_the_ring_is_read_from_a_mounted_file(mount: Path, name: str, content: str) -> None:
    (mount / name).write_text(content.format(new=KEY, old=OLD_KEY))
    assert [key.get_secret_value() for key in Settings.load().encryption_keys] == [KEY, OLD_KEY]


def test_any_setting_may_be_a_mounted_file_and_a_variable_takes_precedence(mount: Path, set_env: Set) -> None:
    (mount / "slotsync_encryption_keys").write_text(KEY)
    (mount / "slotsync_api_keys").write_text("one\ntwo\n")
    (mount / "slotsync_database_url").write_text("postgresql://user:password@host/slotsync\n")
    set_env(api_keys="three")
    settings = Settings.load()
    assert [key.get_secret_value() for key in settings.api_keys] == ["three"]
    assert settings.database_url == "postgresql://user:password@host/slotsync"


def test_a_mounted_ring_that_cannot_be_read_is_one_clear_line(mount: Path) -> None:
    (mount / "slotsync_encryption_keys").write_text("hunter2")
    with pytest.raises(SettingsError) as failure:
        Settings.load()
    assert "hunter2" not in str(failure.value)
    assert str(failure.value).startswith("SLOTSYNC_ENCRYPTION_KEYS: is not a Fernet key")


def test_a_folder_of_secrets_that_is_missing_is_named(mount: Path) -> None:
    mount.rmdir()
    with pytest.raises(SettingsError, match="SLOTSYNC_SECRETS_FOLDER: is not a folder"):
        Settings.load()


@pytest.mark.parametrize(
    ("value", "proxies"),
    [
        ("", ("127.0.0.1", "::1")),
        ("10.1.2.3, 172.30.7.0/24", ("10.1.2.3", "172.30.7.0/24")),
        ("fd00::/64", ("fd00::/64",)),
        ("*", ("*",)),
    ],
)
def test_proxies_are_believed_by_their_addresses(
    monkeypatch: pytest.MonkeyPatch, value: str, proxies: tuple[str, ...]
) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", value)
    assert Settings.load().forwarded_allow_ips == proxies


@pytest.mark.parametrize("value", ["proxy.example", "10.0.0.1/8", "10.0.0.1,10.0.0.300"])
def test_a_proxy_that_is_no_address_is_one_line(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", value)
    with pytest.raises(SettingsError, match=r"^FORWARDED_ALLOW_IPS: names something that is neither an IP address"):
        Settings.load()


def test_the_repr_shows_no_secret(set_env: Set) -> None:
    secrets = {
        "api_keys": "key-of-the-platform",
        "google_client_secret": "secret-of-google",
        "webhook_secret": WEBHOOK_SECRET,
        "webhook_url": "https://platform.example.com/hook?key=secret-of-the-hook",
        "database_url": "postgresql://slotsync:hunter2@host/slotsync",
    }
    set_env(**secrets)
    shown = repr(Settings.load())
    assert not [secret for secret in (KEY, "hunter2", *secrets.values()) if secret in shown]


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("encryption_keys", "", "SLOTSYNC_ENCRYPTION_KEYS: is not set (make one with: "),
        ("encryption_keys", " , ", "SLOTSYNC_ENCRYPTION_KEYS: is not set (make one with: "),
        ("encryption_keys", "c2hvcnQ=", "SLOTSYNC_ENCRYPTION_KEYS: is not a Fernet key"),
        pytest.param(
            "encryption_keys", f"{KEY},nonsense", "SLOTSYNC_ENCRYPTION_KEYS: is not a Fernet key", id="one-bad"
        ),
        ("database_url", "mysql://host/slotsync", "SLOTSYNC_DATABASE_URL: must be a PostgreSQL or SQLite URL"),
        ("poll_seconds", "often", "SLOTSYNC_POLL_SECONDS: "),
        ("horizon_days", "0", "SLOTSYNC_HORIZON_DAYS: "),
        ("metrics_port", "99999", "SLOTSYNC_METRICS_PORT: "),
        ("google_push", "perhaps", "SLOTSYNC_GOOGLE_PUSH: "),
        ("webhook_secret", "not-one-at-all", f"{NO_SECRET} (make one with: "),
        ("webhook_secret", WEBHOOK_SECRET.removeprefix("whsec_"), NO_SECRET),
        ("webhook_secret", "whsec_c2hvcnQ=", NO_SECRET),
        ("webhook_secret", f"{WEBHOOK_SECRET[:-1]}_", NO_SECRET),
        ("webhook_secret", f"{WEBHOOK_SECRET}\u00e4\u00e4\u00e4\u00e4", NO_SECRET),
        ("webhook_secret", WEBHOOK_SECRET * 4, NO_SECRET),
        ("webhook_types", "conflict.lost", "SLOTSYNC_WEBHOOK_TYPES: "),
        ("webhook_url", "https://platform.example.com/hook", "SLOTSYNC_WEBHOOK_SECRET: is not set, but SLOTSYNC_WEBH"),
        ("webhook_url", "platform.example.com", "SLOTSYNC_WEBHOOK_URL: must start with http:// or https://"),
        ("google_endpoint", "localhost:8080", "SLOTSYNC_GOOGLE_ENDPOINT: must start with http:// or https://"),
        (
            "public_url",
            "http://slotsync.example",
            "SLOTSYNC_PUBLIC_URL: must start with https://, unless it is on this",
        ),
        ("return_url", "http://10.0.0.1/back", "SLOTSYNC_RETURN_URL: must start with https://, unless it is on this"),
        ("webhook_url", "https://169.254.169.254/x", "SLOTSYNC_WEBHOOK_URL: is a link-local address"),
        ("webhook_url", "http://[fe80::1]/x", "SLOTSYNC_WEBHOOK_URL: is a link-local address"),
        ("public_url", "https://", "SLOTSYNC_PUBLIC_URL: names no host"),
        (
            "smtp_url",
            "mail.example:587",
            "SLOTSYNC_SMTP_URL: must start with smtp:// or smtps:// (for example smtp://u",
        ),
        ("smtp_url", "smtp://mail.example", "SLOTSYNC_SMTP_URL: needs SLOTSYNC_PUBLIC_URL, to which the links in e-ma"),
        ("mail_from", "not an address", "SLOTSYNC_MAIL_FROM: "),
        ("public_url", "https://platform.example/slotsync", "SLOTSYNC_PUBLIC_URL: has a path or a user name"),
        ("public_url", "https://user:pw@platform.example", "SLOTSYNC_PUBLIC_URL: has a path or a user name"),
        ("public_url", "https://platform.example?a=b", "SLOTSYNC_PUBLIC_URL: has a query or a fragment"),
        ("public_url", "https://platform.example/?", "SLOTSYNC_PUBLIC_URL: has a query or a fragment"),
        ("public_url", "https://platform.example#x", "SLOTSYNC_PUBLIC_URL: has a query or a fragment"),
        ("google_endpoint", "https://google.example?a=b", "SLOTSYNC_GOOGLE_ENDPOINT: has a query or a fragment"),
        ("webhook_url", "https://2852039166/x", "SLOTSYNC_WEBHOOK_URL: is a link-local address"),
    ],
)
def test_a_bad_value_is_one_line_that_names_its_variable(set_env: Set, name: str, value: str, line: str) -> None:
    set_env(**{name: value})
    with pytest.raises(SettingsError) as raised:
        Settings.load()
    assert str(raised.value).startswith(line)
    assert "\n" not in str(raised.value)


def test_the_sender_of_e_mails_is_at_the_public_host_unless_it_is_set(set_env: Set) -> None:
    set_env(smtp_url="smtp://mail.example", public_url="https://slots.example:8443")
    settings = Settings.load()
    assert settings.mail_server
    assert (settings.mail_server.host, settings.mail_sender) == ("mail.example", "slotsync@slots.example")
    set_env(mail_from="calendars@platform.example")
    assert Settings.load().mail_sender == "calendars@platform.example"


def test_all_bad_values_are_reported_together_and_none_is_quoted(set_env: Set) -> None:
    set_env(encryption_keys="hunter2", poll_seconds="hunter2", database_url="mysql://hunter2")
    with pytest.raises(SettingsError) as raised:
        Settings.load()
    named = {line.split(":")[0] for line in str(raised.value).splitlines()}
    assert named == {"SLOTSYNC_ENCRYPTION_KEYS", "SLOTSYNC_POLL_SECONDS", "SLOTSYNC_DATABASE_URL"}
    assert "hunter2" not in str(raised.value)
    assert raised.value.__context__ is None


def test_a_webhook_secret_made_as_the_remedy_says_is_taken(set_env: Set) -> None:
    set_env(webhook_url="https://platform.example.com/hook/")
    with pytest.raises(SettingsError) as raised:
        Settings.load()
    program = str(raised.value).split("python -c '")[1].split("'")[0]
    with redirect_stdout(StringIO()) as printed:
        exec(program, {})  # a line of slotsync's own error message
    created = printed.getvalue().strip()
    set_env(webhook_secret=created)
    assert [each.get_secret_value() for each in Settings.load().webhook_secret] == [created]


def test_several_webhook_secrets_and_some_types_are_taken(set_env: Set) -> None:
    other = "whsec_" + "b3RoZXIt" * 4
    set_env(webhook_secret=f"{other}, {WEBHOOK_SECRET}", webhook_types="conflict.found, connection.revoked")
    settings = Settings.load()
    assert [each.get_secret_value() for each in settings.webhook_secret] == [other, WEBHOOK_SECRET]
    assert settings.webhook_types == {"conflict.found", "connection.revoked"}


def test_a_webhook_address_is_kept_to_the_letter(set_env: Set) -> None:
    set_env(webhook_url="https://platform.example.com/hook/", webhook_secret=WEBHOOK_SECRET)
    assert Settings.load().webhook_url == "https://platform.example.com/hook/"


@pytest.mark.parametrize("url", ["https://slotsync.example", "https://slotsync.example:8443/", "http://127.0.0.1:8080"])
def test_a_public_address_is_a_host_with_or_without_a_port(set_env: Set, url: str) -> None:
    set_env(public_url=url)
    assert Settings.load().public_url == url.rstrip("/")


def test_googles_own_addresses_are_the_default() -> None:
    assert Settings.load().google == GoogleEndpoints()
    assert GoogleEndpoints().token == "https://oauth2.googleapis.com/token"


def test_all_of_a_local_googles_addresses_follow_from_its_endpoint(set_env: Set) -> None:
    set_env(google_endpoint="http://127.0.0.1:9090/")
    assert Settings.load().google == GoogleEndpoints(
        api="http://127.0.0.1:9090/calendar/v3/",
        authorize="http://127.0.0.1:9090/o/oauth2/v2/auth",
        token="http://127.0.0.1:9090/token",
        revoke="http://127.0.0.1:9090/revoke",
        userinfo="http://127.0.0.1:9090/oauth2/v3/userinfo",
    )


def test_the_google_client_is_demanded_only_by_those_who_need_it(set_env: Set) -> None:
    with pytest.raises(SettingsError) as raised:
        Settings.load().require_google_client()
    lines = str(raised.value).splitlines()
    assert [line.split(":")[0] for line in lines] == ["SLOTSYNC_GOOGLE_CLIENT_ID", "SLOTSYNC_GOOGLE_CLIENT_SECRET"]
    set_env(google_client_id="id", google_client_secret="secret")
    client = Settings.load().require_google_client()
    assert (client.id, client.secret.get_secret_value()) == ("id", "secret")
