"""The environment of dev and demo: their own settings, and those that somebody names for them on purpose.

What a ``.env`` or the environment says of production must not reach them: sample data would go to a real platform,
signed.
"""

import os
from collections.abc import Mapping, MutableMapping
from typing import Final
from urllib.parse import urlsplit

from slotsync.domain.mail_server import MailServer
from slotsync.domain.web_address import is_loopback
from slotsync.errors import SettingsError
from slotsync.settings import ENV_FILE, PREFIX, SECRETS_FOLDER

ADDRESSES: Final = ("SLOTSYNC_WEBHOOK_URL", "SLOTSYNC_SMTP_URL", "SLOTSYNC_RETURN_URL")
"""Addresses to which something is sent, or to which browsers go: they must be on this machine."""

ACCEPTED: Final = (
    *ADDRESSES,
    "SLOTSYNC_WEBHOOK_SECRET",
    "SLOTSYNC_WEBHOOK_TYPES",
    "SLOTSYNC_MAIL_FROM",
    "SLOTSYNC_METRICS_PORT",
    "SLOTSYNC_GOOGLE_PUSH",
    "SLOTSYNC_GOOGLE_CALLS_PER_USER_MINUTE",
    "SLOTSYNC_GOOGLE_CALLS_PER_PROJECT_MINUTE",
    "SLOTSYNC_BACKFILL_PER_SECOND",
    "SLOTSYNC_KEEP_MESSAGES_DAYS",
    "SLOTSYNC_MAX_DEBOUNCE_SECONDS",
    "SLOTSYNC_POLL_SECONDS",
    "SLOTSYNC_NEAR_DAYS",
    "SLOTSYNC_HORIZON_DAYS",
)
"""The settings that dev and demo take from their environment. Every other one is theirs, or slotsync's default."""


def set_environment(own: Mapping[str, str], environment: MutableMapping[str, str] = os.environ) -> dict[str, str]:
    """Leave only these settings and the accepted ones in the environment, and return them; no file is read for more.

    Raises:
        SettingsError: a setting names an address that is not on this machine; nothing was changed then.
    """
    accepted = {name: environment[name] for name in ACCEPTED if environment.get(name)}
    for name in ADDRESSES:
        _require_this_machine(name, accepted.get(name, ""))
    for name in [each for each in environment if each.upper().startswith(PREFIX)]:
        del environment[name]
    # Empty ones count as not set, also in a shell that has others when it sources the file of these.
    nothing = dict.fromkeys((ENV_FILE, SECRETS_FOLDER, *ADDRESSES), "")
    variables = {**nothing, **accepted, **own}
    environment.update(variables)
    return variables


def _require_this_machine(name: str, url: str) -> None:
    if url and not is_loopback(_read_host(name, url)):
        raise SettingsError(
            f"{name}: dev and demo send to this machine only (name an address of it, for example "
            f"{_EXAMPLES[name]}, or unset the variable)"
        )


_EXAMPLES: Final = {
    "SLOTSYNC_WEBHOOK_URL": "http://127.0.0.1:8099/",
    "SLOTSYNC_SMTP_URL": "smtp://127.0.0.1:1025",
    "SLOTSYNC_RETURN_URL": "http://127.0.0.1:8099/google",
}


def _read_host(name: str, url: str) -> str:
    """Return the host, or "" if the address names none that can be read."""
    try:
        return MailServer.parse(url).host if name == "SLOTSYNC_SMTP_URL" else urlsplit(url).hostname or ""
    except ValueError:
        return ""
