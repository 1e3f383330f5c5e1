"""A merchant is sent e-mails about a grant that Google refuses: on day 0, 1, 3, 7 and 14, each once."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.testing import TimeSkipper

from localgoogle.server import RunningLocalGoogle
from slotsync.domain.connections.connection import ConnectionState
from slotsync.domain.connections.refused_grants import DAY, REFUSED_GRANT_RETENTION
from slotsync.domain.merchant import MerchantDetails
from slotsync.secrets import Vault
from slotsync.store.merchants import Merchants
from slotsync.temporal.signals import signal_connection
from tests.support.mail_receiver import PASSWORD, USER, MailReceiver
from tests.support.refused_grants import flight, refuse, state
from tests.support.samples import MERCHANT, TOUR, snapshot
from tests.support.settings import PUBLIC_URL, settings_for
from tests.support.sweeping import sweep
from tests.support.temporal_servers import TimeSkippingServer
from tests.support.waiting import until
from tests.support.world import World, world_of

pytestmark = pytest.mark.anyio

ADDRESS = "owner@arctic.example"


@pytest.fixture
async def merchant(
    local_google: RunningLocalGoogle,
    vault: Vault,
    mailbox: MailReceiver,
    time_skipping_server: TimeSkippingServer,
    tmp_path: Path,
) -> AsyncIterator[World]:
    """A connected merchant with an address and a reservation in Google."""
    settings = settings_for(local_google.url, tmp_path).model_copy(update={"public_url": PUBLIC_URL})
    async with world_of(mailbox.settings(settings), vault, time_skipping_server.client) as world, world.working():
        await world.add_merchant(TOUR)
        describe(world, name="Arctic Kayaks", email=ADDRESS)
        await signal_connection(world.client, MERCHANT, "granted")
        await world.slotsync.report(snapshot(1))
        await world.settled(1)
        yield world


def describe(world: World, **details: object) -> None:
    """Record what the platform says of the merchant."""
    Merchants(world.store, world.vault).put(MERCHANT, MerchantDetails.model_validate(details))


async def received(mailbox: MailReceiver, count: int) -> None:
    async def arrived() -> bool:
        return len(mailbox.mails) >= count

    await until(arrived)
    assert len(mailbox.mails) == count


async def test_thirty_days_without_the_merchant_are_five_e_mails(
    merchant: World, mailbox: MailReceiver, skipper: TimeSkipper
) -> None:
    await refuse(merchant, "invalid_grant")
    await received(mailbox, 1)
    for count, days in enumerate((1, 2, 4, 7), 2):
        await skipper.fast_forward(flight(merchant), days * DAY)
        await received(mailbox, count)
    await skipper.fast_forward(flight(merchant), REFUSED_GRANT_RETENTION - 14 * DAY)
    await received(mailbox, 5)
    subjects = [each.message["Subject"] for each in mailbox.mails]
    first, *reminders = subjects
    assert first == "Google Calendar is no longer connected: Arctic Kayaks"
    assert set(reminders) == {"Reminder: Google Calendar is not connected: Arctic Kayaks"}
    assert ["last reminder" in each.text for each in mailbox.mails] == [False] * 4 + [True]
    assert {each.recipients for each in mailbox.mails} == {(ADDRESS,)}
    assert len({each.message["Message-ID"] for each in mailbox.mails}) == 5
    assert set(mailbox.sign_ins) == {(USER, PASSWORD)}
    assert all(each.link.startswith(f"{PUBLIC_URL}/google/reconnect?link=") for each in mailbox.mails)


async def test_no_e_mail_follows_once_the_grant_works_again(
    merchant: World, mailbox: MailReceiver, skipper: TimeSkipper
) -> None:
    await refuse(merchant)
    await received(mailbox, 1)
    await merchant.heal()
    await skipper.fast_forward(flight(merchant), 2 * DAY)
    await merchant.settled(2)
    assert state(merchant) is ConnectionState.ACTIVE
    await received(mailbox, 1)


async def test_a_mail_server_that_fails_delays_the_e_mail_and_nothing_else(
    merchant: World, mailbox: MailReceiver, skipper: TimeSkipper
) -> None:
    mailbox.fail("451 4.3.0 Try again later")
    await refuse(merchant)
    await until(lambda: attempted(mailbox, 2))
    await skipper.fast_forward(flight(merchant), 1.1 * DAY)
    mailbox.heal()
    await skipper.fast_forward(flight(merchant), timedelta(hours=1))
    await received(mailbox, 1)
    assert mailbox.mails[0].message["Subject"].startswith("Reminder: "), "the first one was replaced by the second"
    await merchant.heal()
    await skipper.fast_forward(flight(merchant), DAY)
    await merchant.settled(2)


async def attempted(mailbox: MailReceiver, times: int) -> bool:
    return mailbox.attempts >= times


async def test_a_lost_answer_of_the_mail_server_sends_the_e_mail_again_with_its_message_id(
    merchant: World, mailbox: MailReceiver
) -> None:
    mailbox.lose_answers(1)
    await refuse(merchant)
    await received(mailbox, 2)
    first, again = (each.message["Message-ID"] for each in mailbox.mails)
    assert first == again


async def test_a_merchant_without_an_address_is_sent_what_is_due_once_it_has_one(
    merchant: World, mailbox: MailReceiver, skipper: TimeSkipper
) -> None:
    describe(merchant, email=None)
    await refuse(merchant)
    await skipper.fast_forward(flight(merchant), timedelta(hours=2))
    assert mailbox.attempts == 0
    describe(merchant, email=ADDRESS, language="fi", logo_url="https://platform.example/logo.png")
    assert (await sweep(merchant)).connections == 1
    await received(mailbox, 1)
    await skipper.fast_forward(flight(merchant), DAY)
    await received(mailbox, 2)
    subjects = [each.message["Subject"] for each in mailbox.mails]
    assert subjects[0] == "Google Kalenteri ei ole enää yhdistettynä: Arctic Kayaks"
    assert subjects[1] == "Muistutus: Google Kalenteri ei ole yhdistettynä: Arctic Kayaks"
    assert "https://platform.example/logo.png" in mailbox.mails[0].page


async def test_an_e_mail_waits_for_the_sweep_if_its_workflow_was_terminated(
    merchant: World, mailbox: MailReceiver
) -> None:
    mailbox.fail("451 4.3.0 Try again later")
    await refuse(merchant)
    await until(lambda: attempted(mailbox, 1))
    await flight(merchant).terminate("by mistake")
    mailbox.heal()

    async def swept() -> bool:
        return (await sweep(merchant, everything=True)).connections == 1  # the index learns of it late

    await until(swept)
    await received(mailbox, 1)
