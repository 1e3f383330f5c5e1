"""Secrets and foreign data appear nowhere of a whole run, but where they belong."""

import asyncio
import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pytest

from slotsync.settings import Settings
from tests.support.machine import machine as build_machine
from tests.support.machine import world_on
from tests.support.mail_receiver import PASSWORD, MailReceiver
from tests.support.processes import free_ports
from tests.support.samples import MERCHANT
from tests.support.secret_holders import NotedSecrets, platform_api
from tests.support.secret_places import HISTORIES, MAILS, METRICS, PLACES, WEBHOOKS, Places
from tests.support.secret_search import GOOGLES, TRACES, found, found_in
from tests.support.secret_story import BOOKING, Run, erase, happen, known_secrets
from tests.support.traced_command import FIRST_SPAN, traced_command
from tests.support.webhook_receiver import WebhookReceiver

pytestmark = pytest.mark.anyio

PLANTED = "A token of Käpylä's & Mökkiläinen's: 1//0planted"

NO_SECRETS = {
    "merchant": MERCHANT,
    "reservation": BOOKING,
    "route": "/v1/merchants/{merchant}/settings-link",
    "activity": "put_event",
    "span": FIRST_SPAN,
    "switch workflow": f"switch:{MERCHANT}",
}
WHERE_THEY_ARE = {
    *(("merchant", place) for place in ("slotsync.db", "temporal.db", HISTORIES, MAILS, WEBHOOKS)),
    *(("reservation", place) for place in ("slotsync.db", "temporal.db", HISTORIES, "worker.log")),
    *(("route", place) for place in ("api.log", METRICS[0])),
    ("switch workflow", HISTORIES),
    *(("activity", place) for place in (HISTORIES, METRICS[1])),
    *(("span", place) for place in TRACES),
}
MAILED = {"address", "mailed link", "signature of a mailed link"}
CONTENTS = {"calendar", "guest", "account", "address"}
"""What is exported, since it is the merchant's own, and gives access to nothing."""

TOKENS = {
    "refresh token": 5,
    "access token": 6,
    "verifier": 5,
    "code": 4,
    "state": 5,
    "cookie": 5,
    "link": 5,
    "mailed link": 1,
    "data key": 2,
}
ACTIONS = {"merchant.changed", "settings.changed", "calendars.picked", "grant.given", "grant.refused"}


def with_metrics(settings: Settings) -> Settings:
    (port,) = free_ports(1)
    return settings.model_copy(update={"metrics_port": port})


async def test_no_secret_and_nothing_private_is_left_anywhere_and_the_search_finds_what_is_planted(
    tmp_path: Path, mailbox: MailReceiver, webhooks: WebhookReceiver
) -> None:
    secrets = known_secrets()
    secrets.note("password of the mail server", PASSWORD)
    adapts, traced = (mailbox.settings, webhooks.settings, with_metrics), partial(traced_command, tmp_path)
    async with build_machine(tmp_path, *adapts, killed_at_end=True, command=traced) as machine:
        await asyncio.gather(machine.google.start(), machine.temporal.start())
        await asyncio.gather(machine.worker.start(), machine.api.start())
        async with world_on(machine) as world, platform_api(machine, secrets) as platform:
            run, places = Run(machine, world, platform, secrets, mailbox), Places(machine, world, mailbox, webhooks)
            await happen(run)
            await places.plant(PLANTED)
            audit = (await platform.http.get(f"/v1/merchants/{MERCHANT}/audit", params={"limit": 200})).text
            exported, while_running = run.export(), await places.read()
            receipts = await erase(run)
    for contents in (while_running, places.read_left()):
        assert kinds_in(contents, secrets) == {(kind, MAILS) for kind in MAILED}
    assert found_in(while_running, {"planted": PLANTED}) == {("planted", each) for each in PLACES - {*METRICS}}
    assert found_in(while_running, NO_SECRETS) >= WHERE_THEY_ARE, "the search finds what is there"
    assert secrets.kinds_in(audit) == set()
    assert actions(audit) >= ACTIONS
    assert secrets.kinds_in(exported) == CONTENTS
    assert secrets.kinds_in(receipts) == set()
    private = secrets.texts("calendar", "private title", "private place")
    assert {name for name, _ in found(tmp_path, private, GOOGLES)} == private.keys(), "Google had it all"
    assert secrets.kinds["guess"]
    assert found(tmp_path, secrets.texts("guess"), GOOGLES) == set(), "but nothing to try guesses by"
    tokens = {what: len(secrets.kinds[what]) for what in TOKENS}
    assert tokens == TOKENS, "of each grant, and those that were renewed"


def kinds_in(contents: Mapping[str, bytes], secrets: NotedSecrets) -> set[tuple[str, str]]:
    """Return which kinds of secrets are in which contents."""
    return {(name.rpartition(" ")[0], place) for name, place in found_in(contents, secrets.texts())}


def actions(audit: str) -> set[str]:
    return {each["action"] for each in json.loads(audit)["items"]}
